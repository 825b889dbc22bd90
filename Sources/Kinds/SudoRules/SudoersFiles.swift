internal import ByteText
internal import LinuxKit

/// The files that sudo reads below a root, in its order.
struct SudoersFiles {
  struct File {
    /// As seen from the root, links followed.
    var path: [UInt8]
    var text: SudoersText
  }

  private(set) var files: [File] = []
  /// Files that are there and cannot be told, or that sudo would not take; why, in one line.
  private(set) var unreadable: [(path: [UInt8], words: String)] = []
  /// Those of them that sudo takes all the same: longer, more or deeper than is read here.
  private(set) var beyond: [[UInt8]] = []
  /// Files and folders that were asked for, there or not, as seen from the root.
  private(set) var asked: [[UInt8]] = []
  /// False when there is no sudoers file at all.
  var hasMain: Bool { !files.isEmpty || !unreadable.isEmpty }

  static let main = Array("/etc/sudoers".utf8)
  /// sudo's own limit (MAX_SUDOERS_DEPTH).
  private static let deepest = 128
  private static let most = 10_000

  private let root: [UInt8]
  private let host: [UInt8]

  init(root: [UInt8]) {
    self.root = root
    host = Array(HostName.current.utf8.prefix { $0 != UInt8(ascii: ".") })
    read(Self.main, depth: 0, onlyRegular: false)
  }

  private mutating func read(_ path: [UInt8], depth: Int, onlyRegular: Bool) {
    guard depth < Self.deepest, files.count < Self.most else {
      beyond.append(path)
      return unreadable.append((path, "read: \(escaped(path)): too many levels of includes"))
    }
    note(path)
    let file: RootedFile
    let place: [UInt8]
    do throws(SystemError) {
      file = try RootedFile(path, root: root)
      place = try RootedFile.place(path, root: root)
    } catch {
      if error.isMissing || (onlyRegular && error.isOtherObject) { return }
      if error.isTooLong { beyond.append(path) }
      return unreadable.append((path, "\(error)"))
    }
    note(place)
    let known = files.contains { $0.path == place }
    // sudo does not notice a file that is included twice; its rules are the same.
    if known { return }
    guard file.owner == 0, file.mode & 0o002 == 0, file.mode & 0o020 == 0 || file.group == 0 else {
      let words = "read: \(escaped(place)): sudo refuses it: not root's alone to write"
      return unreadable.append((place, words))
    }
    let text = SudoersText(file.bytes)
    files.append(File(path: place, text: text))
    for line in text.lines {
      switch line.include {
      case .file(let name): read(absolute(name, beside: path), depth: depth + 1, onlyRegular: false)
      case .folder(let name): readFolder(absolute(name, beside: path), depth: depth + 1)
      case nil: break
      }
    }
  }

  private mutating func readFolder(_ path: [UInt8], depth: Int) {
    note(path)
    do throws(SystemError) {
      let names = try RootedFile.names(in: path, root: root, most: 4096)
      note(try RootedFile.place(path, root: root))
      for name in names where !Self.isSkipped(name) {
        read(path + [UInt8(ascii: "/")] + name, depth: depth, onlyRegular: true)
      }
    } catch {
      if error.isTooLong { beyond.append(path) }
      if !error.isMissing { unreadable.append((path, "\(error)")) }
    }
  }

  /// Names that sudo passes over in an included folder.
  static func isSkipped(_ name: [UInt8]) -> Bool {
    name.contains(UInt8(ascii: ".")) || name.last == UInt8(ascii: "~")
  }

  private mutating func note(_ path: [UInt8]) {
    if !asked.contains(path) { asked.append(path) }
  }

  /// `%h` is the host's short name; a relative path starts from the folder of the file it stands in.
  private func absolute(_ name: [UInt8], beside file: [UInt8]) -> [UInt8] {
    var path: [UInt8] = []
    var rest = name[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), rest.first == UInt8(ascii: "h") {
        path.append(contentsOf: host)
        rest = rest.dropFirst()
      } else {
        path.append(byte)
      }
    }
    while path.count > 1, path.last == UInt8(ascii: "/") { path.removeLast() }
    if path.first == UInt8(ascii: "/") { return path }
    let folder = file.lastIndex(of: UInt8(ascii: "/")).map { file[...$0] } ?? []
    return Array(folder) + path
  }
}
