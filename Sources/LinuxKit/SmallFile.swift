/// Files that are read or replaced whole: configuration, small states.
package enum SmallFile {
  /// The longest file that `read` takes, in bytes.
  package static let longest = 16 << 20

  /// The bytes of a regular file; `errno` EFBIG for one beyond `longest`.
  package static func read(_ path: String) throws(SystemError) -> [UInt8] {
    try OwnedFile(path, limit: longest).bytes
  }

  /// Puts a file in place of the one at `path`, whole and durable or not at all.
  package static func replace(_ path: String, with bytes: [UInt8]) throws(SystemError) {
    let slash = path.lastIndex(of: "/")
    let folder = slash.map { String(path[..<$0]) } ?? "."
    let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
    try DurableDirectory(folder.isEmpty ? "/" : folder).replace(name, with: bytes)
  }

  /// The names in a folder, sorted by their bytes; none when it cannot be read. Names that are not
  /// UTF-8 are left out.
  package static func names(in folder: String) -> [String] {
    guard let names = try? DurableDirectory(folder).names() else { return [] }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}
