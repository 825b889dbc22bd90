import ByteText
import CLinux
import Glibc

/// Files that are read or replaced whole: configuration, small states.
package enum SmallFile {
  /// The longest file that `read` takes, in bytes.
  package static let longest = 16 << 20

  /// The bytes of a file; `errno` EFBIG for one beyond `longest`.
  package static func read(_ path: String) throws(SystemError) -> [UInt8] {
    let descriptor = retrying { open(path, O_RDONLY | O_CLOEXEC) }
    guard descriptor >= 0 else { throw .last("read", escaped(path.utf8)) }
    let file = FileDescriptor(owning: descriptor)
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = retrying { Glibc.read(file.raw, &piece, piece.count) }
      guard count >= 0 else { throw .last("read", escaped(path.utf8)) }
      if count == 0 { return bytes }
      bytes.append(contentsOf: piece[..<count])
      guard bytes.count <= longest else { throw SystemError(EFBIG, "read", escaped(path.utf8)) }
    }
  }

  /// Puts a file in place of the one at `path`, whole and durable or not at all.
  package static func replace(_ path: String, with bytes: [UInt8]) throws(SystemError) {
    let slash = path.lastIndex(of: "/")
    let folder = slash.map { String(path[..<$0]) } ?? "."
    let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
    try DurableDirectory(folder.isEmpty ? "/" : folder).replace(name, with: bytes)
  }

  /// The names in a folder, sorted by their bytes; none when it cannot be read.
  package static func names(in folder: String) -> [String] {
    guard let names = try? DurableDirectory(folder).names() else { return [] }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}
