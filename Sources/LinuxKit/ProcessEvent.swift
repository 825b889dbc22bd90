/// What the kernel's process connector tells (linux/cn_proc.h). A pid names a thread, a tgid the
/// process that other tools call by its pid.
package enum ProcessEvent: Equatable, Sendable {
  /// A process or thread was made. The parent is the one the child has, which under CLONE_PARENT
  /// is the creator's own parent.
  case fork(parentPid: Int32, parentTgid: Int32, childPid: Int32, childTgid: Int32)
  case exec(pid: Int32, tgid: Int32)
  case exit(pid: Int32, tgid: Int32, parentPid: Int32, parentTgid: Int32)
  case uid(pid: Int32, tgid: Int32, real: UInt32, effective: UInt32)
  /// The process leads a new session.
  case sid(pid: Int32, tgid: Int32)
  /// The process gave itself another name, at most 15 bytes.
  case comm(pid: Int32, tgid: Int32, name: [UInt8])
  /// The kernel's answer to somebody's request: 0, or an errno(3).
  case acknowledged(errno: Int32)
  /// A kind of event that nothing here needs.
  case other

  /// Reads one datagram: nlmsghdr, cn_msg, proc_event. Nil when it is cut or not of this form.
  /// `at` is the kernel's CLOCK_MONOTONIC in nanoseconds.
  package static func parse(_ datagram: UnsafeRawBufferPointer) -> (event: Self, at: UInt64)? {
    let header = 16 + 20
    guard datagram.count >= header + 16 else { return nil }
    func word(_ offset: Int) -> UInt32? {
      guard offset + 4 <= datagram.count else { return nil }
      return datagram.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
    }
    func number(_ index: Int) -> Int32? {
      word(header + 16 + 4 * index).map { Int32(bitPattern: $0) }
    }
    guard let length = word(0), Int(length) <= datagram.count, Int(length) >= header + 16,
      word(16) == 1, word(20) == 1, let what = word(header)
    else { return nil }
    let at = datagram.loadUnaligned(fromByteOffset: header + 8, as: UInt64.self)
    switch what {
    case 0:
      guard let code = number(0) else { return nil }
      return (.acknowledged(errno: code), at)
    case 0x1:
      guard let parentPid = number(0), let parentTgid = number(1), let childPid = number(2),
        let childTgid = number(3)
      else { return nil }
      return (
        .fork(
          parentPid: parentPid, parentTgid: parentTgid, childPid: childPid, childTgid: childTgid),
        at
      )
    case 0x2:
      guard let pid = number(0), let tgid = number(1) else { return nil }
      return (.exec(pid: pid, tgid: tgid), at)
    case 0x4:
      guard let pid = number(0), let tgid = number(1), let real = number(2),
        let effective = number(3)
      else { return nil }
      return (
        .uid(
          pid: pid, tgid: tgid, real: UInt32(bitPattern: real),
          effective: UInt32(bitPattern: effective)), at
      )
    case 0x80:
      guard let pid = number(0), let tgid = number(1) else { return nil }
      return (.sid(pid: pid, tgid: tgid), at)
    case 0x200:
      guard let pid = number(0), let tgid = number(1), datagram.count >= header + 16 + 24 else {
        return nil
      }
      let name = datagram[(header + 24)..<(header + 40)].prefix { $0 != 0 }
      return (.comm(pid: pid, tgid: tgid, name: Array(name)), at)
    case 0x8000_0000:
      guard let pid = number(0), let tgid = number(1) else { return nil }
      return (
        .exit(pid: pid, tgid: tgid, parentPid: number(4) ?? 0, parentTgid: number(5) ?? 0), at
      )
    default: return (.other, at)
    }
  }
}
