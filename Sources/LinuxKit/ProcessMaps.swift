internal import CLinux
internal import Glibc

extension ProcessFiles {
  /// The most that is read of a process's list of mappings, in bytes.
  private static let longestMaps = 4 << 20

  /// The path of the first file that the process has mapped whose path holds `text`; see
  /// proc_pid_maps(5).
  package func mappedFile(_ pid: Int32, containing text: String) -> [UInt8]? {
    setPath(pid, "maps")
    let raw = openat(root, path, O_RDONLY | O_CLOEXEC)
    guard raw >= 0 else { return nil }
    guard let stream = fdopen(raw, "r") else {
      close(raw)
      return nil
    }
    defer { fclose(stream) }
    var line: UnsafeMutablePointer<CChar>?
    var room = 0
    defer { free(line) }
    var left = Self.longestMaps
    while left > 0 {
      let count = getline(&line, &room, stream)
      guard count > 0, let start = line else { return nil }
      left -= count
      guard strstr(start, text) != nil, let slash = strchr(start, 0x2f) else { continue }
      let found = UnsafeRawBufferPointer(start: slash, count: strlen(slash))
      return Array(found.prefix { $0 != 0x0a })
    }
    return nil
  }

  /// The folder that the process works in.
  package func workingFolder(_ pid: Int32) -> [UInt8]? { link(pid, "cwd") }

  /// False when the process sees other file systems than the first process does. A service may have
  /// mounts of its own, this one included, but the same files.
  package func sharesMounts(_ pid: Int32) -> Bool {
    guard let theirs = link(pid, "ns/mnt"), let first = link(1, "ns/mnt") else { return true }
    return theirs == first
  }

  private func link(_ pid: Int32, _ name: StaticString) -> [UInt8]? {
    setPath(pid, name)
    var space = [CChar](repeating: 0, count: 4096)
    let count = readlinkat(root, path, &space, space.count)
    return count > 0 ? space[..<count].map { UInt8(bitPattern: $0) } : nil
  }
}
