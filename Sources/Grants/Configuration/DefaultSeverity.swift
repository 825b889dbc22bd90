/// Groups whose members are as good as root.
private let rootGroups: Set<String> = [
  "root", "sudo", "wheel", "admin", "docker", "lxd", "disk", "shadow",
]

/// What a grant's right is worth where no rule says: root or as good as root critical; write by
/// everyone, setgid, a new way to log in and a rule of polkit's high; read or write by a group or
/// more medium; else low.
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
  case .sshKey:
    return ["account:root", "account:*"].contains(grant.object) ? .critical : .high
  case .polkitRule: return .high
  case .kubernetes: return grant.right == "ClusterRole/cluster-admin" ? .critical : .medium
  default: return .medium
  }
}
