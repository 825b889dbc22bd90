/// The capabilities of an executable: struct vfs_cap_data of linux/capability.h, revisions 2 and 3.
package struct FileCapabilities: Hashable, Sendable {
  /// By number, the lowest bit CAP_CHOWN; see capabilities(7).
  package var permitted: UInt64
  package var inheritable: UInt64
  /// They are in force from the start, without the program's doing.
  package var effective: Bool
  /// The uid that is root in the user namespace where they count; 0 for the host's own.
  package var rootUID: UInt32

  package init(
    permitted: UInt64 = 0, inheritable: UInt64 = 0, effective: Bool = false, rootUID: UInt32 = 0
  ) {
    self.permitted = permitted
    self.inheritable = inheritable
    self.effective = effective
    self.rootUID = rootUID
  }

  /// Nil for bytes that are no capabilities.
  package init?(_ bytes: [UInt8]) {
    func number(_ at: Int) -> UInt32 {
      (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[at + $1]) << (8 * $1) }
    }
    guard bytes.count >= 4 else { return nil }
    let magic = number(0)
    switch (magic & 0xff00_0000, bytes.count) {
    case (0x0100_0000, 12):
      self.init(permitted: UInt64(number(4)), inheritable: UInt64(number(8)))
    case (0x0200_0000, 20), (0x0300_0000, 24):
      self.init(
        permitted: UInt64(number(4)) | UInt64(number(12)) << 32,
        inheritable: UInt64(number(8)) | UInt64(number(16)) << 32,
        rootUID: bytes.count == 24 ? number(20) : 0)
    default: return nil
    }
    effective = magic & 1 != 0
  }

  /// As revision 2, or 3 where a namespace is named.
  package var bytes: [UInt8] {
    let isNamespaced = rootUID != 0
    var words: [UInt32] = [
      (isNamespaced ? 0x0300_0000 : 0x0200_0000) | (effective ? 1 : 0),
      UInt32(truncatingIfNeeded: permitted), UInt32(truncatingIfNeeded: inheritable),
      UInt32(truncatingIfNeeded: permitted >> 32), UInt32(truncatingIfNeeded: inheritable >> 32),
    ]
    if isNamespaced { words.append(rootUID) }
    return words.flatMap { word in
      (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) }
    }
  }

  /// True when they give nothing.
  package var isEmpty: Bool { permitted | inheritable == 0 }

  /// As getcap(8) prints it: `cap_net_admin,cap_net_raw=ep`.
  package var text: String {
    func state(_ number: Int) -> UInt8 {
      let bit: UInt64 = 1 << UInt64(number)
      let held: UInt8 = (permitted & bit != 0 ? 1 : 0) | (inheritable & bit != 0 ? 2 : 0)
      return held == 0 ? 0 : held | (effective ? 4 : 0)
    }
    let known = 0..<Self.names.count
    var counts = [Int](repeating: 0, count: 8)
    for number in known { counts[Int(state(number))] += 1 }
    // What most have is said once, for all.
    var most: UInt8 = 7
    for state in stride(from: 7, through: 0, by: -1) where counts[state] >= counts[Int(most)] {
      most = UInt8(state)
    }
    func letters(_ state: UInt8) -> String {
      (state & 4 != 0 ? "e" : "") + (state & 2 != 0 ? "i" : "") + (state & 1 != 0 ? "p" : "")
    }
    var parts: [String] = most == 0 ? [] : ["=" + letters(most)]
    for wanted in stride(from: UInt8(7), through: 0, by: -1) where wanted != most {
      let names = (known.map { $0 } + Array(Self.names.count..<64)).filter {
        state($0) == wanted && (wanted != 0 || known.contains($0))
      }
      guard !names.isEmpty else { continue }
      let list = names.map { known.contains($0) ? Self.names[$0] : String($0) }
        .joined(separator: ",")
      let (more, fewer) = (wanted & ~most, most & ~wanted)
      parts.append(
        list + (more == 0 ? "" : (parts.isEmpty ? "=" : "+") + letters(more))
          + (fewer == 0 ? "" : "-" + letters(fewer)))
    }
    return parts.joined(separator: " ") + (rootUID == 0 ? "" : " [rootid=\(rootUID)]")
  }

  /// The permitted ones: `cap_net_admin,cap_net_raw`.
  var permittedNames: String {
    (0..<64).filter { permitted >> UInt64($0) & 1 != 0 }
      .map { $0 < Self.names.count ? Self.names[$0] : String($0) }.joined(separator: ",")
  }

  /// By number; capabilities(7).
  static let names = [
    "chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid",
    "setpcap", "linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw",
    "ipc_lock", "ipc_owner", "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct",
    "sys_admin", "sys_boot", "sys_nice", "sys_resource", "sys_time", "sys_tty_config", "mknod",
    "lease", "audit_write", "audit_control", "setfcap", "mac_override", "mac_admin", "syslog",
    "wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf", "checkpoint_restore",
  ].map { "cap_" + $0 }
}
