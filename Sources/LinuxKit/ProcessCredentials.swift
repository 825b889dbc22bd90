internal import ByteText

/// The numbers by which the kernel judges what a process may do; see credentials(7).
package struct ProcessCredentials: Equatable, Sendable {
  /// Real, effective, saved and file system uid.
  package var uids: [UInt32]
  /// Real, effective, saved and file system gid.
  package var gids: [UInt32]
  /// The supplementary groups.
  package var groups: [UInt32]

  /// True when the process has the group in any way.
  package func has(gid: UInt32) -> Bool { gids.contains(gid) || groups.contains(gid) }
}

extension ProcessFiles {
  /// What /proc/PID/status says of a process's users and groups; of a list of groups beyond
  /// `longest` bytes only those that are whole.
  package func credentials(_ pid: Int32) -> ProcessCredentials? {
    guard let bytes = read(pid, "status", limit: Self.longest) else { return nil }
    var found = ProcessCredentials(uids: [], gids: [], groups: [])
    for line in bytes.split(separator: 0x0a) {
      if line.starts(with: "Uid:".utf8) {
        found.uids = Self.numbers(line.dropFirst(4))
      } else if line.starts(with: "Gid:".utf8) {
        found.gids = Self.numbers(line.dropFirst(4))
      } else if line.starts(with: "Groups:".utf8) {
        let isCut = line.endIndex == bytes.count && bytes.count == Self.longest
        found.groups = Self.numbers(line.dropFirst(7))
        if isCut { found.groups = found.groups.dropLast() }
        break
      }
    }
    return found.uids.count == 4 && found.gids.count == 4 ? found : nil
  }

  /// The capabilities that a process may use and that no parent handed on to it as ambient ones, by
  /// bits as in `FileCapabilities`: CapPrm without CapAmb of /proc/PID/status; see capabilities(7).
  package func capabilities(_ pid: Int32) -> UInt64? {
    guard let bytes = read(pid, "status", limit: Self.longest) else { return nil }
    func set(_ name: String) -> UInt64? {
      for line in bytes.split(separator: 0x0a) where line.starts(with: name.utf8) {
        let digits = line.dropFirst(name.utf8.count)
        return UInt64(String(decoding: digits, as: UTF8.self), radix: 16)
      }
      return nil
    }
    return set("CapPrm:\t").flatMap { permitted in set("CapAmb:\t").map { permitted & ~$0 } }
  }

  private static func numbers(_ text: some Collection<UInt8>) -> [UInt32] {
    text.split(whereSeparator: isBlank).compactMap { decimal($0).flatMap { UInt32(exactly: $0) } }
  }
}
