/// The rights a file grant gives; written `read write execute setuid setgid`, in this order.
package struct FileRights: OptionSet, Hashable, Sendable {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  package static let read = FileRights(rawValue: 1)
  package static let write = FileRights(rawValue: 2)
  package static let execute = FileRights(rawValue: 4)
  package static let setuid = FileRights(rawValue: 8)
  package static let setgid = FileRights(rawValue: 16)

  private static let words: [(FileRights, String)] = [
    (.read, "read"), (.write, "write"), (.execute, "execute"), (.setuid, "setuid"),
    (.setgid, "setgid"),
  ]

  /// The words, blanks between.
  package var text: String { Self.texts[Int(rawValue & 31)] }

  private static let texts: [String] = (UInt8(0)..<32).map { bits in
    let rights = FileRights(rawValue: bits)
    return words.filter { rights.contains($0.0) }.map(\.1).joined(separator: " ")
  }

  /// Reads what `text` writes; nil for an unknown word.
  package init?(text: String) {
    var rights: FileRights = []
    for word in text.split(separator: " ") {
      guard let known = Self.words.first(where: { $0.1 == word }) else { return nil }
      rights.insert(known.0)
    }
    self = rights
  }
}
