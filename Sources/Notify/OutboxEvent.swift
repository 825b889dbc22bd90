package import ByteText
package import Grants

/// One event of the outbox, as the daemon hands it over.
package struct OutboxEvent: Equatable, Sendable {
  /// That of its record in the ledger.
  package var sequence: Int64
  /// `msg_0000000017`: the same at every try.
  package var id: String
  /// `grant.detected`, without `io.grantwatch.`.
  package var type: String
  /// RFC 3339.
  package var time: String
  package var severity: Severity
  /// What it speaks of: a grant's id; nil for what concerns the daemon or the host.
  package var subject: String?
  /// `grantwatch://HOST`.
  package var source: String
  package var data: JSON

  package init(
    sequence: Int64, id: String, type: String, time: String, severity: Severity, subject: String?,
    source: String, data: JSON
  ) {
    self.sequence = sequence
    self.id = id
    self.type = type
    self.time = time
    self.severity = severity
    self.subject = subject
    self.source = source
    self.data = data
  }

  /// Reads one element of `TakeOutbox`'s events; nil where a part is missing, or where the id could
  /// not stand in a header.
  package init?(_ json: JSON) {
    guard let sequence = json["sequence"].integer, let id = json["id"].text,
      let type = json["type"].text, let time = json["time"].text,
      let source = json["source"].text,
      !id.isEmpty, id.utf8.count <= 256, id.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
    else { return nil }
    self.init(
      sequence: sequence, id: id,
      type: type.hasPrefix(Self.prefix) ? String(type.dropFirst(Self.prefix.count)) : type,
      time: time, severity: json["severity"].text.flatMap(Severity.init) ?? .low,
      subject: json["subject"].text, source: source, data: json["data"])
  }

  /// What stands before a type outside of this host.
  static let prefix = "io.grantwatch."

  /// The event in words for people.
  var text: String { data["text"].text ?? subject.map { "\(type) \($0)" } ?? type }

  /// The host it comes from.
  var host: String {
    source.hasPrefix("grantwatch://") ? String(source.dropFirst("grantwatch://".count)) : source
  }

  /// True for what closes a matter: the access is gone, or a human agreed to it.
  var isResolution: Bool {
    ["grant.revoked", "grant.ended", "approval.given"].contains(type)
  }
}
