/// Groups whose members are as good as root.
private let rootGroups: Set<String> = [
  "root", "sudo", "wheel", "admin", "docker", "lxd", "disk", "shadow",
]

/// Capabilities with which a program can become root.
private let rootCapabilities = [
  "cap_chown", "cap_dac_override", "cap_dac_read_search", "cap_fowner", "cap_setgid",
  "cap_setuid", "cap_setpcap", "cap_sys_module", "cap_sys_rawio", "cap_sys_ptrace",
  "cap_sys_admin", "cap_mknod", "cap_setfcap", "cap_mac_admin", "cap_mac_override", "cap_bpf",
]

/// What a grant's right is worth where no rule says: root or as good as root critical; write by
/// everyone, setgid, a new way to log in and a rule of polkit's high; read or write by a user, a
/// group or more, or a capability, medium; else low.
package func defaultSeverity(of grant: Grant) -> Severity {
  switch grant.kind {
  case .groupMember:
    let group = grant.object.hasPrefix("group:") ? String(grant.object.dropFirst(6)) : ""
    return rootGroups.contains(group) ? .critical : .low
  case .fileMode, .fileOwner, .fileACL:
    let rights = FileRights(text: grant.right) ?? []
    if rights.contains(.setuid) { return .critical }
    if rights.contains(.setgid) { return .high }
    if grant.subject == "everyone", rights.contains(.write) { return .high }
    return rights.isDisjoint(with: [.read, .write]) ? .low : .medium
  case .fileCapability:
    let names = grant.right.split { ",=; +-".contains($0) }
    let isRoot =
      grant.right.hasPrefix("=") || names.contains { rootCapabilities.contains(String($0)) }
    return isRoot ? .critical : .medium
  case .postgresql: return postgresSeverity(of: grant)
  case .account:
    return grant.right.split(separator: " ").contains("root") ? .critical : .high
  case .sudoRule: return severity(ofSudoRight: grant.right)
  case .sshKey:
    return ["account:root", "account:*"].contains(grant.object) ? .critical : .high
  case .polkitRule: return .high
  case .kubernetes: return grant.right == "ClusterRole/cluster-admin" ? .critical : .medium
  default: return .medium
  }
}

/// Attributes of a role, and roles, that are or give everything, the server's own account included.
private let postgresRoot: Set<String> = [
  "SUPERUSER", "CREATEROLE", "REPLICATION", "BYPASSRLS", "pg_execute_server_program",
  "pg_write_server_files", "pg_read_server_files",
]

private func postgresSeverity(of grant: Grant) -> Severity {
  let rights = grant.right.split(separator: ";").map { String($0.drop { $0 == " " }) }
  if rights.contains(where: postgresRoot.contains) { return .critical }
  if grant.object.hasPrefix("postgresql:role/pg_"),
    postgresRoot.contains(String(grant.object.dropFirst("postgresql:role/".count)))
  {
    return .critical
  }
  let isWider = rights.contains { $0.hasPrefix("GRANT OPTION") || $0.hasPrefix("ADMIN OPTION") }
  let writes = rights.contains {
    ["INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER"].contains($0)
  }
  if isWider || (grant.subject == "everyone" && writes) { return .high }
  return .medium
}

/// What a sudo rule's right, as sudoers writes it behind the `=`, is worth: every command as root is
/// root, whatever `!` takes back from it; one command for the user's own password is the least.
private func severity(ofSudoRight right: String) -> Severity {
  if right.hasPrefix("NOPASSWD (Defaults") { return .critical }
  var rest = right[...]
  var runas = "root"
  if rest.hasPrefix("("), let end = rest.firstIndex(of: ")") {
    runas = String(rest[rest.index(after: rest.startIndex)..<end])
    rest = rest[rest.index(after: end)...].drop { $0 == " " }
  }
  var hasPassword = true
  while let blank = rest.firstIndex(of: " "), rest[..<blank].hasSuffix(":"),
    rest[..<blank].allSatisfy({ $0 == ":" || $0 == "_" || $0.isUppercase })
  {
    if rest[..<blank] == "NOPASSWD:" { hasPassword = false }
    rest = rest[rest.index(after: blank)...]
  }
  let commands = rest.split(separator: ",").map { $0.drop { $0 == " " } }
  let given = commands.filter { !$0.hasPrefix("!") }
  let users = runas.split(separator: ":", omittingEmptySubsequences: false).first ?? ""
  let isRoot = users.split(separator: ",").contains { user in
    ["root", "ALL", "#0"].contains(user.drop { $0 == " " })
  }
  if given.contains("ALL") { return isRoot ? .critical : .high }
  return hasPassword && given.count == 1 ? .medium : .high
}
