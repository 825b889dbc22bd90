internal import CLinux
internal import Glibc

/// A pipe to or from a tool: both ends CLOEXEC, above the first three descriptors; closed when let go.
struct SpawnPipe: ~Copyable {
  /// -1 once closed, which poll(2) passes over.
  private(set) var reading: Int32 = -1
  private(set) var writing: Int32 = -1

  /// No pipe.
  init() {}

  init(for tool: String) throws(SystemError) {
    var ends: [Int32] = [-1, -1]
    guard clinux_pipe2(&ends, O_CLOEXEC) == 0 else { throw .last("pipe", tool) }
    for index in 0..<2 where ends[index] < 3 {
      let moved = fcntl(ends[index], F_DUPFD_CLOEXEC, 3)
      close(ends[index])
      ends[index] = moved
    }
    reading = ends[0]
    writing = ends[1]
    guard reading >= 0, writing >= 0 else { throw SystemError(EMFILE, "pipe", tool) }
  }

  deinit {
    if reading >= 0 { close(reading) }
    if writing >= 0 { close(writing) }
  }

  mutating func closeReading() {
    if reading >= 0 { close(reading) }
    reading = -1
  }

  mutating func closeWriting() {
    if writing >= 0 { close(writing) }
    writing = -1
  }

  /// Makes our end of it one that never blocks; the tool's end stays as it is.
  static func setNonBlocking(_ end: Int32) {
    _ = fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK)
  }
}
