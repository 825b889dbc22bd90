import Testing
import Watchdog

@Suite struct ApprovalCodesTests {
  /// A code of the right form that is not `code`.
  private func other(than code: String) -> String { code == "222-222" ? "333-333" : "222-222" }

  @Test func rightCodeIsRightForItsTargetOnly() {
    var codes = ApprovalCodes()
    let (code, isNew) = codes.code(for: "g-aaaaaa")
    #expect(isNew)
    #expect(codes.code(for: "g-aaaaaa") == (code, false))
    let foreign = codes.code(for: "g-bbbbbb").text
    #expect(codes.check(code, for: "g-aaaaaa") == .right)
    if foreign != code { #expect(codes.check(code, for: "g-bbbbbb") == .wrong(left: 4)) }
    #expect(codes.check(code, for: "g-cccccc") == .none)
  }

  @Test func keptHashIsBoundToTheTarget() {
    var codes = ApprovalCodes()
    let code = codes.code(for: "g-aaaaaa").text
    codes.restore("g-bbbbbb", codes.kept["g-aaaaaa"])
    #expect(codes.check(code, for: "g-bbbbbb") == .wrong(left: 4))
  }

  @Test func codeHasSixCharactersThatAreNotMisread() {
    var codes = ApprovalCodes()
    for number in 0..<50 {
      let code = codes.code(for: "g-\(number)").text
      let bytes = Array(code.utf8)
      #expect(bytes.count == 7 && bytes[3] == UInt8(ascii: "-"))
      #expect(code.allSatisfy { "-23456789ABCDEFGHJKMNPQRSTVWXYZ".contains($0) })
    }
  }

  @Test func caseDashAndBlanksAreForgiven() {
    var codes = ApprovalCodes()
    let code = codes.code(for: "g-aaaaaa").text
    let plain = code.filter { $0 != "-" }
    for typed in [code.lowercased(), plain, plain.lowercased(), " \(code) ", "\(plain)-"] {
      #expect(codes.check(typed, for: "g-aaaaaa") == .right)
    }
    #expect(codes.kept["g-aaaaaa"]?.wrongTries == 0)
  }

  @Test func fiveWrongTriesVoidIt() {
    var codes = ApprovalCodes()
    let code = codes.code(for: "g-aaaaaa").text
    for (typed, left) in zip(
      [other(than: code), "", "x", code + "2", other(than: code)], [4, 3, 2, 1, 0])
    {
      #expect(codes.check(typed, for: "g-aaaaaa") == .wrong(left: left))
    }
    #expect(codes.check(code, for: "g-aaaaaa") == .none)
    #expect(codes.kept["g-aaaaaa"]?.wrongTries == ApprovalCodes.triesAllowed)
  }

  @Test func wrongTriesCountOnAfterRestore() {
    var codes = ApprovalCodes()
    let code = codes.code(for: "g-aaaaaa").text
    for _ in 0..<4 { _ = codes.check(other(than: code), for: "g-aaaaaa") }
    var again = ApprovalCodes()
    again.restore("g-aaaaaa", codes.kept["g-aaaaaa"])
    #expect(again.check(other(than: code), for: "g-aaaaaa") == .wrong(left: 0))
    #expect(again.check(code, for: "g-aaaaaa") == .none)
  }

  @Test func deliveredCodeIsValidAfterRestore() {
    var codes = ApprovalCodes()
    let code = codes.code(for: "g-aaaaaa").text
    let news = [codes.delivered("g-aaaaaa"), codes.delivered("g-aaaaaa")]
    #expect(news == [true, false])
    let known = codes.handOut(for: "g-aaaaaa")?.text
    #expect(known == code)
    codes.forgetText(of: "g-aaaaaa")
    let forgotten = codes.handOut(for: "g-aaaaaa")
    #expect(forgotten == nil)
    #expect(codes.check(code, for: "g-aaaaaa") == .right)
    var again = ApprovalCodes()
    again.restore("g-aaaaaa", codes.kept["g-aaaaaa"])
    #expect(again.check(code, for: "g-aaaaaa") == .right)
    let restored = again.handOut(for: "g-aaaaaa")
    #expect(restored == nil)
  }

  @Test func undeliveredCodeIsIssuedAnewWithItsWrongTries() {
    var codes = ApprovalCodes()
    let code = codes.code(for: "g-aaaaaa").text
    _ = codes.check(other(than: code), for: "g-aaaaaa")
    var again = ApprovalCodes()
    again.restore("g-aaaaaa", codes.kept["g-aaaaaa"])
    let anew = again.handOut(for: "g-aaaaaa")
    #expect(anew?.isNew == true)
    #expect(again.kept["g-aaaaaa"]?.wrongTries == 1)
  }

  @Test func usedCodeIsVoid() {
    var codes = ApprovalCodes()
    let code = codes.code(for: "g-aaaaaa").text
    codes.void("g-aaaaaa")
    #expect(codes.check(code, for: "g-aaaaaa") == .none)
    #expect(codes.kept.isEmpty)
  }
}
