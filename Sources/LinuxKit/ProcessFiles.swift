internal import ByteText
internal import CLinux
internal import Glibc

/// What /proc tells of processes, read with few system calls into one buffer that is used again.
/// A process that is gone, or hidden, is nil. Not thread-safe: whoever makes it keeps it on one
/// queue.
package final class ProcessFiles {
  /// The fields of /proc/PID/stat in use; see proc(5).
  package struct Stat: Equatable, Sendable {
    /// At most 15 bytes, of any value.
    package var comm: [UInt8]
    /// `R`, `S`, `Z` and their like.
    package var state: UInt8
    package var parent: Int32
    package var group: Int32
    package var session: Int32
    /// Ticks since boot.
    package var start: UInt64
  }

  /// A file below /proc/PID.
  package enum File {
    case arguments, environment
    fileprivate var name: StaticString { self == .arguments ? "cmdline" : "environ" }
  }

  /// The most that is read of a file, in bytes.
  package static let longest = 128 << 10

  let root: Int32
  let path: UnsafeMutablePointer<CChar>
  private let buffer: UnsafeMutableRawBufferPointer

  /// Reads below `root`, laid out as /proc.
  package init(root: String = "/proc") {
    self.root = open(root, Int32(CLINUX_O_PATH) | O_DIRECTORY | O_CLOEXEC)
    path = .allocate(capacity: 64)
    buffer = .allocate(byteCount: Self.longest, alignment: 16)
  }

  deinit {
    if root >= 0 { close(root) }
    path.deallocate()
    buffer.deallocate()
  }

  /// How many ticks /proc counts in a second.
  package static let ticksPerSecond = UInt64(max(1, sysconf(Int32(_SC_CLK_TCK))))

  /// The tick since boot of a moment of CLOCK_MONOTONIC, in nanoseconds.
  package static func tick(ofMonotonic nanoseconds: UInt64) -> UInt64 {
    var monotonic = timespec()
    var boot = timespec()
    clock_gettime(CLOCK_MONOTONIC, &monotonic)
    clock_gettime(CLOCK_BOOTTIME, &boot)
    let asleep =
      (Int64(boot.tv_sec) - Int64(monotonic.tv_sec)) * 1_000_000_000
      + Int64(boot.tv_nsec) - Int64(monotonic.tv_nsec)
    let (sum, over) = nanoseconds.addingReportingOverflow(UInt64(max(0, asleep)))
    return over ? 0 : sum / (1_000_000_000 / ticksPerSecond)
  }

  /// True when there is such a process, dead and unreaped ones included.
  package func exists(_ pid: Int32) -> Bool {
    setPath(pid, "stat")
    return faccessat(root, path, F_OK, 0) == 0
  }

  package func stat(_ pid: Int32) -> Stat? {
    guard let bytes = read(pid, "stat", limit: 4096) else { return nil }
    guard let open = bytes.firstIndex(of: UInt8(ascii: "(")),
      let close = bytes.lastIndex(of: UInt8(ascii: ")")), open < close
    else { return nil }
    let comm = Array(bytes[(open + 1)..<close])
    let fields = UnsafeRawBufferPointer(rebasing: bytes[(close + 1)...])
      .split(separator: UInt8(ascii: " "), maxSplits: 20)
    guard fields.count >= 20, let state = fields[0].first, let parent = number(fields[1]),
      let group = number(fields[2]), let session = number(fields[3]),
      let start = decimal(fields[19])
    else { return nil }
    return Stat(
      comm: comm, state: state, parent: parent, group: group, session: session,
      start: UInt64(max(0, start)))
  }

  /// Real and effective uid.
  package func uids(_ pid: Int32) -> (real: UInt32, effective: UInt32)? {
    guard let bytes = read(pid, "status", limit: 4096) else { return nil }
    for line in bytes.split(separator: 0x0a) where line.starts(with: "Uid:".utf8) {
      let words = line.dropFirst(4).split(whereSeparator: isBlank)
      guard words.count >= 2, let real = unsigned(words[0]), let effective = unsigned(words[1])
      else { return nil }
      return (real, effective)
    }
    return nil
  }

  /// The login uid; nil also when none is set.
  package func loginUID(_ pid: Int32) -> UInt32? { setNumber(pid, "loginuid") }

  /// The audit session; nil also when none is set.
  package func auditSession(_ pid: Int32) -> UInt32? { setNumber(pid, "sessionid") }

  /// The path of the program, as it was called when it was started: a file deleted since keeps
  /// its name. Nil for kernel threads.
  package func executable(_ pid: Int32) -> [UInt8]? {
    setPath(pid, "exe")
    guard let link = buffer.baseAddress?.assumingMemoryBound(to: CChar.self) else { return nil }
    let count = readlinkat(root, path, link, 4096)
    guard count > 0 else { return nil }
    let bytes = buffer[..<count]
    let mark = " (deleted)".utf8
    if bytes.count > mark.count, bytes.suffix(mark.count).elementsEqual(mark) {
      return Array(bytes.dropLast(mark.count))
    }
    return Array(bytes)
  }

  /// Hands over the content of a file of NUL-ended words, at most `longest` bytes of it. The bytes
  /// are valid within `body` only, which must not call this object.
  package func withContents<Result>(
    of file: File, _ pid: Int32, _ body: (UnsafeRawBufferPointer) -> Result
  ) -> Result? {
    guard let bytes = read(pid, file.name, limit: Self.longest) else { return nil }
    return body(bytes)
  }

  /// The path of the control group that systemd gave it: of the unified hierarchy, else of the
  /// one named systemd; see cgroups(7).
  package func controlGroup(_ pid: Int32) -> [UInt8]? {
    guard let bytes = read(pid, "cgroup", limit: 16384) else { return nil }
    var found: [UInt8]?
    for line in bytes.split(separator: 0x0a) {
      let parts = line.split(
        separator: UInt8(ascii: ":"), maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      // Of a process that has ended but was not waited for it says `/`, the unified one does not.
      if parts[1].elementsEqual("name=systemd".utf8), parts[2].count > 1 { return Array(parts[2]) }
      if parts[1].isEmpty { found = Array(parts[2]) }
    }
    return found
  }

  /// Every process there is.
  package func processes() -> [Int32] {
    let raw = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard raw >= 0 else { return [] }
    var found: [Int32] = []
    eachNumber(in: FileDescriptor(owning: raw)) { pid, _ in
      if pid > 0 { found.append(pid) }
      return true
    }
    return found.sorted()
  }

  private func setNumber(_ pid: Int32, _ file: StaticString) -> UInt32? {
    guard let bytes = read(pid, file, limit: 32),
      let value = unsigned(bytes.prefix { isDigit($0) }), value != .max
    else { return nil }
    return value
  }

  func setPath(_ pid: Int32, _ file: StaticString) {
    var digits = pid.magnitude
    var length = 0
    repeat {
      path[length] = CChar(0x30 + digits % 10)
      digits /= 10
      length += 1
    } while digits > 0
    var digitsOfPath = UnsafeMutableBufferPointer(start: path, count: length)
    digitsOfPath.reverse()
    path[length] = CChar(UInt8(ascii: "/"))
    memcpy(path + length + 1, file.utf8Start, file.utf8CodeUnitCount + 1)
  }

  func read(_ pid: Int32, _ file: StaticString, limit: Int) -> UnsafeRawBufferPointer? {
    setPath(pid, file)
    let raw = openat(root, path, O_RDONLY | O_CLOEXEC)
    guard raw >= 0 else { return nil }
    let descriptor = FileDescriptor(owning: raw)
    var filled = 0
    while filled < min(limit, buffer.count) {
      let count = retrying {
        Glibc.read(
          descriptor.raw, buffer.baseAddress.map { $0 + filled }, min(limit, buffer.count) - filled)
      }
      guard count >= 0 else { return nil }
      if count == 0 { break }
      filled += count
    }
    return UnsafeRawBufferPointer(rebasing: buffer[..<filled])
  }
}

/// Hands over each name of an open folder that is a number, with the folder, until told to end.
func eachNumber(
  in folder: consuming FileDescriptor, _ body: (_ number: Int32, _ folder: Int32) -> Bool
) {
  // closedir(3) closes what fdopendir(3) was given.
  let raw = folder.release()
  guard let directory = fdopendir(raw) else {
    close(raw)
    return
  }
  defer { closedir(directory) }
  while let entry = readdir(directory) {
    let found = withUnsafeBytes(of: &entry.pointee.d_name) { name in
      number(name.prefix { $0 != 0 })
    }
    if let found, !body(found, raw) { return }
  }
}

private func number(_ digits: some Collection<UInt8>) -> Int32? {
  decimal(digits).flatMap { Int32(exactly: $0) }
}

private func unsigned(_ digits: some Collection<UInt8>) -> UInt32? {
  decimal(digits).flatMap { UInt32(exactly: $0) }
}
