internal import ByteText

/// journald's own word that it dropped lines of a service or session that wrote too many:
/// `Suppressed 162516 messages from session-33.scope`.
struct SuppressedLine {
  /// SD_MESSAGE_JOURNAL_DROPPED of sd-messages.h.
  static let messageID = "a596d6fe7bfa4994828e72309e95d61e"
  private static let messageIDBytes = Array(messageID.utf8)
  /// RateLimitIntervalSec= of journald.conf(5), as shipped; the word comes after its end.
  private static let interval = TimeSpan(seconds: 30)

  var count: Int
  var unit: String

  /// Nil unless journald itself says so.
  static func read(_ fields: JournalFields) -> SuppressedLine? {
    guard let id = fields.messageID, id == messageIDBytes, fields.uid ?? 0 == 0,
      fields.transport == Array("driver".utf8), let message = fields.message,
      let text = rest(of: message[...], after: "Suppressed "),
      let (number, unit) = readings(text, cutAt: " messages from ").first,
      let count = decimal(number)
    else { return nil }
    return SuppressedLine(count: Int(clamping: count), unit: escaped(unit.prefix(256)))
  }

  func gap(at time: Timestamp) -> JournalGap {
    JournalGap(
      from: time - Self.interval, to: time,
      reason: "journald dropped \(count) lines of \(unit)")
  }
}
