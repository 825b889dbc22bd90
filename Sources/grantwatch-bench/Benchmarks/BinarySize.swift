import Glibc
import LinuxKit

/// The size of the daemon as `make install` puts it there.
enum BinarySize: Benchmark {
  static let name = "size"
  static let meaning = """
    The daemon's binary, stripped as `make install` does it, in MB of 1,048,576 bytes. Without
    strip(1) its size as it lies there, and no limit. The static standard library is in it when it
    was built by `make`.
    """

  static func measure(on stage: Stage, quick: Bool) throws -> [Figure] {
    let copy = stage.folder + "/stripped"
    let stripped = Spawn.runAndWait("/usr/bin/strip", ["-o", copy, stage.daemon]).succeeded
    defer { unlink(copy) }
    var status = stat()
    guard stat(stripped ? copy : stage.daemon, &status) == 0 else {
      throw SystemError.last("status", stage.daemon)
    }
    return [
      Figure(
        name: stripped ? "daemon's binary, stripped" : "daemon's binary, not stripped",
        value: Double(status.st_size) / 1_048_576, unit: "MB", limit: stripped ? 16 : nil)
    ]
  }
}
