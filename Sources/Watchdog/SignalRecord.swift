import ByteText
import Grants
import Sources

/// A signal as the ledger keeps it, with what it led to, so that a replay need not judge again.
struct SignalRecord {
  var signal: AccessSignal
  /// The grants it is evidence of.
  var spokenOf: [String] = []
  /// The grants whose access it used.
  var used: [String] = []
  /// The grants that nobody was seen to give, of which it says who and when.
  var explained: [String] = []
  /// Every signal of its entry stands in the ledger with this one: reading goes on behind it.
  var isWhole = true

  /// Bytes of the message and the command that are kept.
  private static let longest = 1024

  init(signal: AccessSignal) { self.signal = signal }

  func write(to writer: inout JSONWriter) {
    writer.member("source", signal.source)
    writer.member("cursor", signal.cursor)
    writer.marked("partial", !isWhole)
    writer.member("time", signal.time.microseconds)
    writer.present("boot", signal.boot.isEmpty ? nil : signal.boot)
    writer.member("pid", Int64(signal.pid))
    writer.member("uid", Int64(signal.uid))
    writer.present("loginUID", signal.loginUID.map(Int64.init))
    writer.present("session", signal.session.map(Int64.init))
    writer.present("unit", signal.unit)
    writer.present("userUnit", signal.userUnit)
    writer.member("tool", signal.tool)
    writer.member("type", signal.type.rawValue)
    writer.present("kind", signal.kind?.rawValue)
    writer.present("subject", signal.subject)
    writer.present("object", signal.object)
    writer.present("right", signal.right)
    writer.present("actor", signal.actorUser)
    writer.present("command", signal.command.map(Self.cut))
    writer.member("message", Self.cut(signal.message))
    writer.marked("trusted", signal.trusted)
    writer.present("grants", spokenOf)
    writer.present("used", used)
    writer.present("explained", explained)
  }

  init?(_ data: JSON) {
    guard let cursor = data["cursor"].text, let time = data["time"].integer,
      let tool = data["tool"].text,
      let type = data["type"].text.flatMap(SignalType.init(rawValue:)),
      let message = data["message"].text
    else { return nil }
    signal = AccessSignal(
      cursor: cursor, time: Timestamp(microseconds: time), tool: tool, type: type,
      message: message, trusted: data["trusted"].bool ?? false)
    signal.source = data["source"].text ?? "journal"
    signal.boot = data["boot"].text ?? ""
    signal.pid = Int32(clamping: data["pid"].integer ?? 0)
    signal.uid = UInt32(clamping: data["uid"].integer ?? Int64(UInt32.max))
    signal.loginUID = data["loginUID"].integer.flatMap(UInt32.init(exactly:))
    signal.session = data["session"].integer.flatMap(UInt32.init(exactly:))
    signal.unit = data["unit"].text
    signal.userUnit = data["userUnit"].text
    signal.kind = data["kind"].text.flatMap(GrantKind.init(rawValue:))
    signal.subject = data["subject"].text
    signal.object = data["object"].text
    signal.right = data["right"].text
    signal.actorUser = data["actor"].text
    signal.command = data["command"].text
    spokenOf = data["grants"].elements.compactMap(\.text)
    used = data["used"].elements.compactMap(\.text)
    explained = data["explained"].elements.compactMap(\.text)
    isWhole = !(data["partial"].bool ?? false)
  }

  private static func cut(_ text: String) -> String {
    text.utf8.count <= longest
      ? text : String(decoding: text.utf8.prefix(longest), as: UTF8.self) + "…"
  }
}
