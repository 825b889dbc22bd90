internal import ByteText
internal import CLinux
internal import Glibc

/// Settings of other programs, which these read and people write: whole files, replaced in one step.
package enum SettingsText {
  /// Gives the file at `path` this content; owner, mode and attributes stay. A new file belongs to
  /// the caller and has the mode of the one at `model`, else 0644; missing folders are made for
  /// everybody to read. ELOOP where the last part of the path is a link.
  package static func write(
    _ path: String, _ bytes: [UInt8], like model: String
  ) throws(SystemError) {
    let parent = parent(of: path)
    var status = stat()
    if lstat(path, &status) == 0 {
      let file = try RewrittenFile(
        Array(path.utf8), below: Array(parent.utf8), limit: SmallFile.longest)
      guard try file.replace(with: bytes) != .changedMeanwhile else {
        throw SystemError(EAGAIN, "replace", escaped(path.utf8))
      }
      return
    }
    try makeFolder(parent)
    let mode =
      stat(model, &status) == 0 ? UInt16(truncatingIfNeeded: status.st_mode & 0o777) : 0o644
    try CreatedFile.create(
      Array(path.utf8), below: Array(parent.utf8), with: bytes,
      CreatedFile.Ownership(uid: geteuid(), gid: getegid(), mode: mode))
  }

  /// Removes the file; one that is not there is no error.
  package static func remove(_ path: String) throws(SystemError) {
    guard unlink(path) == 0 || errno == ENOENT else { throw .last("remove", escaped(path.utf8)) }
  }

  private static func makeFolder(_ path: String) throws(SystemError) {
    var status = stat()
    if stat(path, &status) == 0 { return }
    let parent = parent(of: path)
    if parent != path { try makeFolder(parent) }
    guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
      throw .last("make folder", escaped(path.utf8))
    }
  }

  private static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
