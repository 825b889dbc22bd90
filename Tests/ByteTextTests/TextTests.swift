import ByteText
import Testing

@Suite struct TextTests {
  @Test("Escaped bytes can be printed on a line and turned back, whatever they are")
  func escapes() {
    #expect(escaped(Array("/srv/ü 1".utf8)) == "/srv/ü 1")
    #expect(escaped(Array("a\nb\\c\u{7f}".utf8)) == "a\\x0ab\\\\c\\x7f")
    #expect(escaped([0xff, 0xc3, 0x28, 0xc3]) == "\\xff\\xc3(\\xc3")
    #expect(
      escaped(Array("\u{202e}\u{85}\u{2028}".utf8)) == "\\xe2\\x80\\xae\\xc2\\x85\\xe2\\x80\\xa8")
    #expect(escaped([]) == "")
    // A mark melts into what stands before it, U+0D4E into what stands behind it.
    for text in ["\u{65b}x", "x\u{d4e}"] {
      let line = "shell=\(escaped(Array(text.utf8))) was"
      #expect(line.hasPrefix("shell=") && line.split(separator: " ").count == 2)
    }
    for first in 0...255 {
      for second in stride(from: 0, through: 255, by: 5) {
        let bytes = [UInt8(first), UInt8(second), 0x61, 0xc3, 0xa4]
        let text = escaped(bytes)
        #expect(unescaped(text) == bytes)
        #expect(text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f })
      }
    }
  }

  @Test(
    "Text that nothing was escaped to", arguments: ["\\", "a\\", "\\x", "\\x1", "\\xg1", "\\n"])
  func badEscapes(text: String) { #expect(unescaped(text) == nil) }

  @Test(
    "Globs that match",
    arguments: [
      ("", ""), ("*", ""), ("*", "a/b"), ("a*c", "abbc"), ("a*c*", "ac"), ("?", "x"),
      ("[a-c]x", "bx"), ("[!a-c]x", "dx"), ("[]]", "]"), ("[!]]", "a"), ("[a-]", "-"),
      ("\\*", "*"), ("[", "["), ("*/claude", "/usr/bin/claude"), ("a**b", "ab"), ("\\", "\\"),
    ])
  func globs(pattern: String, text: String) { #expect(glob(pattern, matches: text)) }

  @Test(
    "Globs that do not",
    arguments: [
      ("", "a"), ("a", ""), ("?", ""), ("a*c", "abd"), ("[a-c]", "d"), ("[!a-c]", "b"),
      ("\\*", "a"), ("[", "a"), ("[]", "]x"), ("*a", "b"), ("a", "A"),
    ])
  func noGlobs(pattern: String, text: String) { #expect(!glob(pattern, matches: text)) }

  @Test("A glob made to be slow is not", .timeLimit(.minutes(1)))
  func slowGlob() {
    let pattern = String(repeating: "*a", count: 100) + "b"
    #expect(!glob(pattern, matches: String(repeating: "a", count: 2000)))
  }

  @Test("The nearest word within a third of the letters")
  func nearestWord() {
    let keys = ["Watch", "WarnBefore", "TTL", "Severity"]
    #expect(nearest(to: "Wacth", among: keys) == "Watch")
    #expect(nearest(to: "Wxyzh", among: keys) == nil)
    #expect(nearest(to: "Watc", among: keys) == "Watch")
    #expect(nearest(to: "severty", among: keys) == "Severity")
    #expect(nearest(to: "ttl", among: keys) == "TTL")
    #expect(nearest(to: "Provenance", among: keys) == nil)
    #expect(nearest(to: "", among: [""]) == "")
    #expect(nearest(to: "x", among: []) == nil)
  }

  @Test(
    "RFC 4648 test vectors",
    arguments: [
      ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
      ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ])
  func base64Vectors(text: String, code: String) {
    #expect(base64(Array(text.utf8)) == code)
    #expect(decodeBase64(code) == Array(text.utf8))
    #expect(decodeBase64(code.replacing("=", with: "")) == Array(text.utf8))
  }

  @Test("Base64 that is none", arguments: ["Z", "Zm9vY", "Zm 9v", "Zm9v!", "Z=g=", "Zm-_", "é"])
  func badBase64(text: String) { #expect(decodeBase64(text) == nil) }

  @Test(
    "Regression: padding that fits no text is refused", arguments: ["=", "====", "Zm9v=", "Zg="])
  func badPadding(text: String) { #expect(decodeBase64(text) == nil) }

  @Test("Digits")
  func digits() {
    #expect(decimal(Array("007".utf8)) == 7)
    #expect(decimal(Array("9223372036854775807".utf8)) == .max)
    for bad in ["", "-1", "+1", " 1", "1 ", "9223372036854775808", "0x1"] {
      #expect(decimal(Array(bad.utf8)) == nil)
    }
    #expect(hexadecimal([0, 0x7f, 0xff]) == "007fff")
    #expect(hexadecimalValue(UInt8(ascii: "G")) == nil)
    #expect(hexadecimalValue(UInt8(ascii: "F")) == 15)
    #expect(split(Array("a::b:".utf8)[...], at: 0x3a).map(\.count) == [1, 0, 1, 0])
    for byte: UInt8 in 0...255 {
      #expect(isDigit(byte) == (0x30...0x39).contains(byte))
      #expect(isBlank(byte) == [0x20, 9, 10, 11, 12, 13].contains(byte))
    }
  }
}
