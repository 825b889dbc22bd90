import Glibc

/// What uname(2) and getcwd(3) say of this host and process.
package enum HostName {
  /// The node name: `web1`.
  package static var current: String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
    return buffer.withUnsafeBufferPointer { pointer in
      pointer.baseAddress.map { String(cString: $0) } ?? "localhost"
    }
  }
}

/// The folder that relative paths start from.
package enum WorkingDirectory {
  package static var current: String {
    guard let path = getcwd(nil, 0) else { return "/" }
    defer { free(path) }
    return String(cString: path)
  }
}

/// This process.
package enum OwnProcess {
  /// Asked for once: it is compared with every line of the journal.
  package static let pid: Int32 = getpid()
}
