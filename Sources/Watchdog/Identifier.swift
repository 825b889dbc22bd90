/// Makes the short names of grants, incidents and advice.
enum Identifier {
  /// Digits and letters without those that are easily misread.
  static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

  /// `prefix-` and `length` random letters or digits, not yet `taken`.
  static func make(_ prefix: String, length: Int, taken: (String) -> Bool) -> String {
    var length = length
    var tries = 0
    while true {
      var text = Array("\(prefix)-".utf8)
      for _ in 0..<length { text.append(alphabet[Int.random(in: 0..<alphabet.count)]) }
      let id = String(decoding: text, as: UTF8.self)
      if !taken(id) { return id }
      tries += 1
      if tries % 8 == 0 { length += 1 }
    }
  }
}
