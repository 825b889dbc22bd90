/// Groups whose members are as good as root.
private let rootGroups: Set<String> = [
  "root", "sudo", "wheel", "admin", "docker", "lxd", "disk", "shadow",
]

/// What a grant's right is worth where no rule says: root or as good as root critical; write by
/// everyone and setgid high; read or write by a group or more medium; else low.
package func defaultSeverity(of grant: Grant) -> Severity {
  switch grant.kind {
  case .groupMember:
    let group = grant.object.hasPrefix("group:") ? String(grant.object.dropFirst(6)) : ""
    return rootGroups.contains(group) ? .critical : .low
  case .fileMode:
    let rights = FileRights(text: grant.right) ?? []
    if rights.contains(.setuid) { return .critical }
    if rights.contains(.setgid) { return .high }
    if grant.subject == "everyone", rights.contains(.write) { return .high }
    return rights.isDisjoint(with: [.read, .write]) ? .low : .medium
  case .postgresql: return postgresSeverity(of: grant)
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
  let writes = rights.contains { ["INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER"].contains($0) }
  if isWider || (grant.subject == "everyone" && writes) { return .high }
  return .medium
}
