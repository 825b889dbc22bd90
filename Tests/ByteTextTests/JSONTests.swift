import ByteText
import Testing

@Suite struct JSONTests {
  private func parse(_ text: String) -> JSON? { try? JSON.parse(Array(text.utf8)) }

  @Test(
    "Good JSON",
    arguments: [
      ("null", JSON.null), (" true ", .bool(true)), ("false", .bool(false)), ("0", .integer(0)),
      ("-0", .integer(0)), ("9223372036854775807", .integer(.max)),
      ("-9223372036854775808", .integer(.min)), ("1.5", .number(1.5)), ("1E2", .number(100)),
      ("9223372036854775808", .number(9_223_372_036_854_775_808)), ("\"\"", .string("")),
      ("\"\\u0041\\n\\t\\/\\\"\\\\\\b\\f\\r\"", .string("A\n\t/\"\\\u{8}\u{c}\r")),
      ("\"\\ud83d\\ude00\"", .string("😀")), ("\"ü\"", .string("ü")), ("[]", .array([])),
      ("[1 , [ ] ]", .array([.integer(1), .array([])])), ("{}", .object([])),
      (
        "{\"a\":1,\"a\":{\"b\":null}}",
        .object([
          JSONMember("a", .integer(1)), JSONMember("a", .object([JSONMember("b", .null)])),
        ])
      ),
    ])
  func good(text: String, value: JSON) { #expect(parse(text) == value) }

  @Test(
    "Bad JSON is refused without a trap",
    arguments: [
      "", " ", "nul", "tru", "+1", "01", "-", "1.", ".5", "1e", "1e+", "0x1", "\"", "\"a", "\"\\",
      "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"",
      "\"a\nb\"", "\"\u{1}\"", "[", "[1", "[1,", "[1,]", "[,1]", "]", "{", "{\"a\"", "{\"a\":",
      "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{a:1}", "{1:2}", "1 2", "{} {}", "nullx", "NaN",
      "Infinity", "'a'",
    ])
  func bad(text: String) { #expect(parse(text) == nil) }

  @Test("Every prefix of a text, and every byte of it changed, parses or is refused")
  func mangled() {
    let text = Array("{\"a\":[1,-2.5e3,\"x\\u00e9\\n\",{\"b\":null}],\"c\":true}".utf8)
    for end in text.indices { #expect((try? JSON.parse(text[..<end])) == nil) }
    for at in text.indices {
      for byte: UInt8 in [0, 0x22, 0x5c, 0x7b, 0x5d, 0x2c, 0x80, 0xff] {
        var changed = text
        changed[at] = byte
        _ = try? JSON.parse(changed)
      }
    }
  }

  @Test("Bytes that are not UTF-8 are refused, plain or behind an escape")
  func notUTF8() {
    for bytes: [UInt8] in [[0x22, 0xff, 0x22], [0x22, 0x5c, 0x6e, 0xc3, 0x22]] {
      #expect((try? JSON.parse(bytes)) == nil)
    }
  }

  @Test("Nesting has an end; offsets count from the slice's start")
  func limits() {
    #expect(parse(String(repeating: "[", count: 64) + String(repeating: "]", count: 64)) != nil)
    #expect(parse(String(repeating: "[", count: 65) + String(repeating: "]", count: 65)) == nil)
    #expect(parse(String(repeating: "[", count: 1_000_000)) == nil)
    #expect(parse(String(repeating: "9", count: 65)) == nil)
    let bytes = Array("xx[1,?]".utf8)
    #expect(throws: JSONError(offset: 3, reason: "value expected")) { try JSON.parse(bytes[2...]) }
  }

  @Test("What is written reads back the same, and is one line")
  func roundTrip() throws {
    let values: [JSON] = [
      .string("\u{0}\u{1f}\u{7f}\"\\/\n\r\tü😀\u{2028}"), .integer(.min), .integer(.max),
      .number(0.000001), .number(-1.5), .number(123_456.789), .array([.array([]), .object([])]),
      .object([JSONMember("", .null), JSONMember("{\"", .string("]"))]), .bool(false),
    ]
    let tree = JSON.array(values)
    #expect(try JSON.parse(tree.encoded) == tree)
    #expect(!tree.encoded.contains(0x0a))
    for value in values { #expect(try JSON.parse(value.encoded) == value) }
  }

  @Test("Regression: numbers as large as a text can write them are written without a trap")
  func largeNumbers() throws {
    for number in [1e14, 1e15, -1e15, 1e19, 1e300, 9_223_372_036_854_775_808] {
      #expect(try JSON.parse(JSON.number(number).encoded).double == number)
    }
    #expect(JSON.number(.infinity).encoded == Array("null".utf8))
    #expect(JSON.number(.nan).encoded == Array("null".utf8))
  }

  @Test("Decimals are rounded, trailing zeros are not written")
  func decimals() {
    func text(_ value: Double, _ digits: Int = 3) -> String {
      var writer = JSONWriter()
      writer.value(value, digits: digits)
      return String(decoding: writer.bytes, as: UTF8.self)
    }
    #expect(text(61.4) == "61.4")
    #expect(text(61.0004) == "61")
    #expect(text(-0.0004) == "0")
    #expect(text(0.0625) == "0.063" || text(0.0625) == "0.062")
    #expect(text(2.5, 0) == "3" || text(2.5, 0) == "2")
    #expect(text(-3.014) == "-3.014")
    #expect(text(1, 40) == "1")
  }

  @Test("Commas stand where they belong")
  func commas() {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("a", [String]())
    writer.member("b", ["{", "["])
    writer.member("c", Int64?.none)
    writer.key("d")
    writer.raw(Array("{\"x\":1}".utf8))
    writer.member("e", seconds: nil)
    writer.member("f", time: Timestamp(microseconds: 0))
    writer.endObject()
    #expect(
      String(decoding: writer.bytes, as: UTF8.self)
        == "{\"a\":[],\"b\":[\"{\",\"[\"],\"c\":null,\"d\":{\"x\":1},\"e\":null,"
        + "\"f\":\"1970-01-01T00:00:00.000Z\"}")
  }

  @Test("Elements of one member are read one at a time, others skipped")
  func elements() {
    let text = Array(
      "{ \"x\" : {\"g\":[1,2]}, \"y\":\"]}\\\"\", \"n\":-1.5,\"g\" : [ 1, \"a,]\", {\"b\":[]} ] , \"z\":[]}"
        .utf8)
    var values: [JSON] = []
    #expect(JSON.forEachElement(of: "g", in: text[...]) { values.append($0) })
    #expect(
      values == [.integer(1), .string("a,]"), .object([JSONMember("b", .array([]))])])
    for end in text.indices {
      #expect(!JSON.forEachElement(of: "g", in: text[..<end]) { _ in })
      #expect(!JSON.forEachElement(of: "q", in: text[..<end]) { _ in })
    }
    #expect(JSON.forEachElement(of: "q", in: text[...]) { _ in Issue.record("nothing is there") })
    #expect(!JSON.forEachElement(of: "n", in: text[...]) { _ in })
  }

  @Test("A writer that hands on what it has writes the same as one that holds all")
  func handedOn() {
    func write(to writer: inout JSONWriter) {
      writer.beginObject()
      writer.key("list")
      writer.beginArray()
      for number in 0..<100 {
        writer.beginObject()
        writer.member("number", number)
        writer.member("text", "a,b:{[\"\n\(number)")
        writer.member("list", ["x", "y"])
        writer.endObject()
      }
      writer.endArray()
      writer.endObject()
    }
    var whole = JSONWriter()
    write(to: &whole)
    for limit in [1, 2, 7, 100, 100_000] {
      var pieces: [[UInt8]] = []
      var writer = JSONWriter(limit: limit) { pieces.append(Array($0)) }
      write(to: &writer)
      writer.finish()
      #expect(Array(pieces.joined()) == whole.bytes)
      #expect(limit > 10_000 || pieces.count > 10)
    }
  }
}
