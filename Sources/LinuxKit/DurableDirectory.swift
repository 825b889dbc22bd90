internal import CLinux
internal import Glibc

/// A directory whose names are changed so that the change lasts: every change is followed by
/// fsync(2) on the directory.
package struct DurableDirectory: Sendable {
  package let path: String

  /// Takes a directory that is there or will be created.
  package init(_ path: String) { self.path = path }

  /// The path of `name` in it.
  package func path(of name: String) -> String { path + "/" + name }

  /// Creates it, readable by its owner alone; its parent must be there.
  package func create() throws(SystemError) {
    guard mkdir(path, 0o700) != 0 else { return try synchronizeParent() }
    guard errno == EEXIST else { throw .last("create directory", path) }
  }

  /// The names in it, sorted; names that are not UTF-8 are left out.
  package func names() throws(SystemError) -> [String] {
    guard let stream = opendir(path) else { throw .last("read directory", path) }
    defer { closedir(stream) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        if errno != 0 { throw .last("read directory", path) }
        return names.sorted()
      }
      let offset = MemoryLayout<dirent>.offset(of: \dirent.d_name) ?? 0
      let start = (UnsafeRawPointer(entry) + offset).assumingMemoryBound(to: CChar.self)
      if let name = String(validatingCString: start), name != ".", name != ".." {
        names.append(name)
      }
    }
  }

  /// True when it is there.
  package var exists: Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Bytes that are free on its file system; 0 when the kernel does not say.
  package var freeBytes: Int64 {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return 0 }
    let (bytes, over) = Int64(clamping: status.f_bavail).multipliedReportingOverflow(
      by: Int64(clamping: status.f_frsize))
    return over ? .max : bytes
  }

  /// True when `name` is in it, whatever it is.
  package func contains(_ name: String) -> Bool {
    var status = stat()
    return lstat(path(of: name), &status) == 0
  }

  /// Makes the names in it last.
  package func synchronize() throws(SystemError) {
    let raw = retrying { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard raw >= 0 else { throw .last("open", path) }
    let descriptor = FileDescriptor(owning: raw)
    guard retrying({ fsync(descriptor.raw) }) == 0 else { throw .last("synchronize", path) }
  }

  /// Moves `name` into `other` as `newName`, over what stands there.
  package func move(
    _ name: String, to other: DurableDirectory, as newName: String
  ) throws(SystemError) {
    guard rename(path(of: name), other.path(of: newName)) == 0 else {
      throw .last("rename", path(of: name))
    }
    try other.synchronize()
    if other.path != path { try synchronize() }
  }

  /// Gives `name` a second name in `other`.
  package func link(
    _ name: String, to other: DurableDirectory, as newName: String
  ) throws(SystemError) {
    guard Glibc.link(path(of: name), other.path(of: newName)) == 0 else {
      throw .last("link", path(of: name))
    }
    try other.synchronize()
  }

  /// Removes a file; one that is not there is no error.
  package func remove(_ name: String) throws(SystemError) {
    guard unlink(path(of: name)) == 0 || errno == ENOENT else {
      throw .last("remove", path(of: name))
    }
    try synchronize()
  }

  /// Writes a whole file so that at any moment, through any crash, either the old one or the new
  /// one stands under `name`, complete.
  package func replace(_ name: String, with bytes: [UInt8]) throws(SystemError) {
    try replace(name) { append throws(SystemError) in try append(bytes[...]) }
  }

  /// The same for a file that is written piece by piece.
  package func replace(
    _ name: String, writing body: (FilePieces) throws(SystemError) -> Void
  ) throws(SystemError) {
    let temporary = ".\(name).new"
    try write(temporary, body)
    try move(temporary, to: self, as: name)
  }

  /// Takes the next piece of a file.
  package typealias FilePieces = (ArraySlice<UInt8>) throws(SystemError) -> Void

  /// Writes a whole file, owner's alone, and waits until it is on the disk; what stood under `name`
  /// is gone first. A file that could not be written whole is removed.
  package func write(_ name: String, _ bytes: [UInt8]) throws(SystemError) {
    try write(name) { append throws(SystemError) in try append(bytes[...]) }
  }

  private func write(
    _ name: String, _ body: (FilePieces) throws(SystemError) -> Void
  ) throws(SystemError) {
    let path = path(of: name)
    guard unlink(path) == 0 || errno == ENOENT else { throw .last("remove", path) }
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
    let raw = retrying { open(path, flags, 0o600) }
    guard raw >= 0 else { throw .last("create", path) }
    let descriptor = FileDescriptor(owning: raw)
    do throws(SystemError) {
      let raw = descriptor.raw
      try body { bytes throws(SystemError) in try writeAll(bytes, to: raw, path) }
      guard retrying({ fsync(descriptor.raw) }) == 0 else { throw .last("synchronize", path) }
    } catch {
      unlink(path)
      throw error
    }
  }

  private func synchronizeParent() throws(SystemError) {
    guard let slash = path.lastIndex(of: "/") else {
      return try DurableDirectory(".").synchronize()
    }
    let parent = slash == path.startIndex ? "/" : String(path[..<slash])
    try DurableDirectory(parent).synchronize()
  }
}
