internal import ByteText
internal import LinuxKit

/// One file of polkit's, as an entry and back.
package enum PolkitFile {
  /// What a file is, by its folder and the end of its name.
  enum FileKind {
    case rules, policy, localAuthority

    var suffix: String {
      switch self {
      case .rules: ".rules"
      case .policy: ".policy"
      case .localAuthority: ".pkla"
      }
    }

    init?(object: String) {
      let all: [FileKind] = [.rules, .policy, .localAuthority]
      guard let kind = all.first(where: { object.hasSuffix($0.suffix) }) else { return nil }
      self = kind
    }
  }

  /// The most that is read of a file, in bytes.
  static let longest = 16 << 20
  /// The most of a file that an entry carries: 64 KiB in Base64.
  static let longestKept = 48_000
  /// The value of a file that is longer; without blanks, as every value behind a link's target.
  static let tooLong = "more-than-16-MiB"

  static func object(_ path: [UInt8]) -> String { "polkit:" + escaped(path) }

  package static func path(_ object: String) -> [UInt8]? {
    guard object.hasPrefix("polkit:/") else { return nil }
    return unescaped(String(object.dropFirst("polkit:".count)))
  }

  /// What stands at `path` now; nil when polkitd finds nothing there that gives anybody a right.
  static func entry(_ path: [UInt8], root: [UInt8]) throws(SystemError) -> AccessEntry? {
    let object = object(path)
    let link = try? SymbolicLink.target(root + path, below: root)
    let prefix = link.map { "link \(escaped($0)) " } ?? ""
    let file: RootedFile
    do throws(SystemError) {
      file = try RootedFile(path, root: root, limit: longest)
    } catch {
      if error.isNoFile { return nil }
      guard error.isTooLong else { throw error }
      return AccessEntry(
        subject: "everyone", object: object, right: "rules", value: prefix + tooLong)
    }
    guard let kind = FileKind(object: object), givesAnything(kind, file.bytes) else { return nil }
    return AccessEntry(
      subject: "everyone", object: object, right: "rules",
      value: prefix + hash(file.bytes), detail: Kept(file, link: link).text)
  }

  static func hash(_ bytes: [UInt8]) -> String { "sha256:" + hexadecimal(SHA256.digest(bytes)) }

  private static func givesAnything(_ kind: FileKind, _ bytes: [UInt8]) -> Bool {
    switch kind {
    case .policy: !PolkitActions.open(bytes).isEmpty
    case .rules, .localAuthority:
      bytes.contains { !isBlank($0) } && significant(kind, bytes) != []
    }
  }

  /// True when `former` gave as much as `entry` does, for certain.
  package static func gives(_ former: AccessEntry, atLeast entry: AccessEntry) -> Bool {
    guard let kind = FileKind(object: entry.object), let old = Kept(former.detail),
      let new = Kept(entry.detail), old.link == nil, new.link == nil
    else { return false }
    switch kind {
    case .policy:
      return PolkitActions.open(new.bytes).isSubset(of: PolkitActions.open(old.bytes))
    case .rules, .localAuthority:
      let lines = significant(kind, new.bytes)
      return lines != nil && lines == significant(kind, old.bytes)
    }
  }

  /// The lines that are neither blank nor a comment; nil where a line alone cannot tell: within a
  /// comment or text of several lines, or beyond plain ASCII, which has line ends of its own.
  private static func significant(_ kind: FileKind, _ bytes: [UInt8]) -> [ArraySlice<UInt8>]? {
    let isPlain = bytes.allSatisfy { (0x20..<0x7f).contains($0) || $0 == 0x09 || $0 == 0x0a }
    let text = String(decoding: bytes, as: UTF8.self)
    if kind == .rules {
      guard isPlain, !text.contains("/*"), !text.contains("*/"), !text.contains("`") else {
        return nil
      }
    }
    let mark = kind == .rules ? "//" : "#"
    let lines = split(bytes[...], at: 0x0a)
    if kind == .rules, lines.contains(where: { $0.last == UInt8(ascii: "\\") }) { return nil }
    return lines.filter { line in
      let start = line.drop(while: isBlank)
      return !start.isEmpty && !start.starts(with: mark.utf8)
    }
  }

  /// A file as an entry's detail carries it: `MODE UID GID BASE64`, or `link TARGET BASE64`.
  package struct Kept {
    var bytes: [UInt8]
    var mode: UInt16 = 0o644
    var uid: UInt32 = 0
    var gid: UInt32 = 0
    var link: [UInt8]?

    init(_ file: RootedFile, link: [UInt8]?) {
      (bytes, mode, uid, gid) = (file.bytes, file.mode, file.owner, file.group)
      self.link = link
    }

    /// Nil for a detail that carries none.
    package init?(_ detail: String) {
      let words = detail.split(separator: " ", omittingEmptySubsequences: false)
      if words.count == 3, words[0] == "link" {
        guard let target = unescaped(String(words[1])),
          let bytes = decodeBase64(String(words[2]))
        else { return nil }
        (link, self.bytes) = (target, bytes)
        return
      }
      guard words.count == 4, let mode = UInt16(words[0], radix: 8), mode <= 0o7777,
        let uid = UInt32(words[1]), let gid = UInt32(words[2]),
        let bytes = decodeBase64(String(words[3]))
      else { return nil }
      (self.bytes, self.mode, self.uid, self.gid) = (bytes, mode, uid, gid)
    }

    /// Empty when the file is too long to be carried.
    package var text: String {
      guard bytes.count <= PolkitFile.longestKept else { return "" }
      if let link {
        let words = escaped(link).split(separator: " ", omittingEmptySubsequences: false)
        return "link \(words.joined(separator: "\\x20")) \(base64(bytes))"
      }
      return "0\(String(mode, radix: 8)) \(uid) \(gid) \(base64(bytes))"
    }
  }
}
