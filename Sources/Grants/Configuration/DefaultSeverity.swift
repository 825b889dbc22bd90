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
/// everyone and setgid high; read or write by a user or group, or a capability, medium; else low.
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
  case .kubernetes: return grant.right == "ClusterRole/cluster-admin" ? .critical : .medium
  default: return .medium
  }
}
