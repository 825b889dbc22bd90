internal import ByteText
internal import LinuxKit

/// The files of sshd_config(5): which they are, so that a change is seen, and whether they treat
/// accounts differently. What they mean says sshd itself.
struct SSHDaemonFiles {
  private(set) var paths: [[UInt8]] = []
  private(set) var hasMatch = false
  /// An `Include` could not be followed here: sshd must be asked each time.
  private(set) var isOpaque = false
  private(set) var isMissing = false
  /// The main file, its includes led to below the root: sshd would take those of its own host.
  private(set) var text: [UInt8] = []

  static let main = Array("/etc/ssh/sshd_config".utf8)
  static let folder = Array("/etc/ssh/sshd_config.d".utf8)
  private static let mostFiles = 256
  private static let deepest = 16

  private let root: [UInt8]

  init(root: [UInt8]) {
    self.root = root
    isMissing = !read(Self.main, depth: 0)
  }

  /// What shows that the files, and the folders of includes, are those that were read.
  var stamps: [FileStamp?] { paths.map { FileStamp(path: root + $0) } }

  @discardableResult
  private mutating func read(_ path: [UInt8], depth: Int) -> Bool {
    guard paths.count < Self.mostFiles, depth <= Self.deepest else {
      isOpaque = true
      return false
    }
    paths.append(path)
    guard let file = try? RootedFile(path, root: root) else { return false }
    for line in split(file.bytes[...], at: 0x0a) {
      let line = line.drop(while: isBlank)
      let keyword = line.prefix { !isBlank($0) && $0 != UInt8(ascii: "=") }
      var kept = Array(line)
      switch String(decoding: keyword.prefix(16), as: UTF8.self).lowercased() {
      case "match": hasMatch = true
      case "include":
        let patterns = Self.patterns(line[keyword.endIndex...])
        for pattern in patterns { include(pattern, depth: depth) }
        kept = Array("Include".utf8)
        for pattern in patterns {
          kept += Array(" \"".utf8) + root + pattern + [UInt8(ascii: "\"")]
        }
      default: break
      }
      if depth == 0 { text += kept + [0x0a] }
    }
    return true
  }

  /// Absolute; what is not lies in /etc/ssh.
  private static func patterns(_ words: ArraySlice<UInt8>) -> [[UInt8]] {
    words.split { isBlank($0) || $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: "\"") }.map { word in
      word.first == UInt8(ascii: "/") ? Array(word) : Array("/etc/ssh/".utf8) + word
    }
  }

  private mutating func include(_ pattern: [UInt8], depth: Int) {
    let isWild = { (byte: UInt8) in "*?[".utf8.contains(byte) }
    guard pattern.contains(where: isWild) else {
      read(pattern, depth: depth + 1)
      return
    }
    let slash = pattern.lastIndex(of: UInt8(ascii: "/")) ?? 0
    let folder = Array(pattern[..<slash])
    let last = Array(pattern[(slash + 1)...])
    guard !folder.contains(where: isWild), !last.contains(UInt8(ascii: "[")) else {
      isOpaque = true
      hasMatch = true
      return
    }
    paths.append(folder)
    let names = (try? RootedFile.names(in: folder, root: root, most: 4096)) ?? []
    for name in names where name.first != UInt8(ascii: ".") && glob(last, matches: name) {
      read(folder + [UInt8(ascii: "/")] + name, depth: depth + 1)
    }
  }
}
