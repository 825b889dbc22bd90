package import Grants

/// What going from one mode to another gives to others than the owner.
///
/// Counted are the bits of group and others, setuid and setgid (not on folders), and taking the
/// sticky bit off a folder that others may write. The owner's own bits are none. A file that is
/// new counts for setuid, setgid and write by everyone only.
package struct ModeGain: Sendable, Equatable {
  /// The bits that were added and count.
  package var bits: UInt16
  /// The sticky bit was taken off a folder that others may write.
  package var stickyTaken: Bool
  private var runsByOthers: Bool

  /// `before` is nil for a file that was not there.
  package init(before: UInt16?, after: UInt16, isDirectory: Bool) {
    let special: UInt16 = isDirectory ? 0 : 0o6000
    runsByOthers = after & 0o001 != 0
    guard let before else {
      bits = after & (special | 0o002)
      stickyTaken = false
      return
    }
    bits = after & ~before & (0o077 | special)
    stickyTaken = isDirectory && before & 0o1000 != 0 && after & 0o1002 == 0o002
  }

  package var isEmpty: Bool { bits == 0 && !stickyTaken }

  package var rights: FileRights {
    var rights: FileRights = []
    if bits & 0o044 != 0 { rights.insert(.read) }
    if bits & 0o022 != 0 || stickyTaken { rights.insert(.write) }
    if bits & 0o011 != 0 { rights.insert(.execute) }
    if bits & 0o4000 != 0 { rights.insert(.setuid) }
    if bits & 0o2000 != 0 { rights.insert(.setgid) }
    return rights
  }

  /// True when it gives something to everyone, and not to the file's group alone. Setuid and
  /// setgid are everyone's where everyone may execute.
  package var widensOthers: Bool {
    bits & 0o007 != 0 || stickyTaken || (bits & 0o6000 != 0 && runsByOthers)
  }
}
