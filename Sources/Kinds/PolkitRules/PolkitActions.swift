internal import ByteText

/// What a description of actions, polkit(8), lets somebody do without an administrator.
package enum PolkitActions {
  private static let needsAdministrator: Set<String> = [
    "no", "auth_admin", "auth_admin_keep", "auth_admin_one_shot", "auth_admin_keep_session",
    "auth_admin_keep_always",
  ]

  /// Each as `ID allow_active=yes`. A file that hides what it says behind entities, sections or
  /// another encoding is taken for one that gives all, under its hash.
  package static func open(_ bytes: [UInt8]) -> Set<String> {
    var rest = withoutComments(bytes)[...]
    if bytes.contains(0) || bytes.starts(with: [0xfe]) || bytes.starts(with: [0xff])
      || rest.contains(UInt8(ascii: "&")) && mayHide(rest) || find("<![", rest) != nil
      || find("<!ENTITY", rest) != nil
    {
      return [PolkitFile.hash(bytes)]
    }
    var rights: Set<String> = []
    var action = ""
    while let start = rest.firstIndex(of: UInt8(ascii: "<")) {
      rest = rest[(start + 1)...]
      guard let end = rest.firstIndex(of: UInt8(ascii: ">")) else { break }
      let tag = rest[..<end]
      rest = rest[(end + 1)...]
      let name = tag.prefix { !isBlank($0) && $0 != UInt8(ascii: "/") }
      if name.elementsEqual("action".utf8) {
        action = escaped(tag.dropFirst("action".utf8.count).filter { !isBlank($0) })
      } else if name.starts(with: "allow_".utf8), tag.last != UInt8(ascii: "/") {
        let content = rest.prefix { $0 != UInt8(ascii: "<") }
        let value = escaped(content.filter { !isBlank($0) })
        if !needsAdministrator.contains(value) {
          rights.insert("\(action) \(escaped(name))=\(value)")
        }
      }
    }
    return rights
  }

  /// An entity in the words that count: anywhere behind `<allow_`, up to the next tag.
  private static func mayHide(_ text: ArraySlice<UInt8>) -> Bool {
    var rest = text
    while let start = find("<allow_", rest) {
      rest = rest[(start + 7)...]
      if rest.prefix(while: { $0 != UInt8(ascii: "<") }).contains(UInt8(ascii: "&")) { return true }
    }
    return false
  }

  private static func withoutComments(_ bytes: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    var rest = bytes[...]
    while let start = find("<!--", rest) {
      text += rest[..<start]
      guard let end = find("-->", rest[(start + 4)...]) else { return text }
      rest = rest[(end + 3)...]
    }
    return text + rest
  }

  private static func find(_ word: StaticString, _ text: ArraySlice<UInt8>) -> Int? {
    word.withUTF8Buffer { word in
      guard let first = word.first else { return nil }
      var from = text.startIndex
      while let at = text[from...].firstIndex(of: first) {
        if text[at...].starts(with: word) { return at }
        from = at + 1
      }
      return nil
    }
  }
}
