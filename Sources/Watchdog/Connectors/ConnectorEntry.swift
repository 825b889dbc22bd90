import ByteText
import Control
import Grants
import Kinds

/// Who did something in another system, as a connector tells it.
struct ConnectorActor: Equatable {
  var role: String?
  var address: String?
  var application: String?
  var backend: Int64?
  var pid: Int32?

  init?(_ json: JSON) {
    guard case .object = json else { return nil }
    func text(_ name: String) -> String? {
      json[name].text.map { escaped(Array($0.utf8).prefix(128)) }
    }
    role = text("role")
    address = text("address")
    application = text("application")
    backend = json["backend"].integer
    pid = json["pid"].integer.flatMap(Int32.init(exactly:)).flatMap { $0 > 1 ? $0 : nil }
  }

  /// `role alice, backend 4711, application psql, from 192.0.2.7`.
  var text: String {
    let parts = [
      role.map { "role \($0)" }, backend.map { "backend \($0)" },
      application.flatMap { $0.isEmpty ? nil : "application \($0)" }, address.map { "from \($0)" },
    ]
    return parts.compactMap { $0 }.joined(separator: ", ")
  }
}

extension AccessEntry {
  /// Reads an entry of `io.grantwatch.Connector`.
  init(reported json: JSON) throws(ControlError) {
    func text(_ name: String, limit: Int = ConnectorLimits.text) throws(ControlError) -> String? {
      if json[name].isNull { return nil }
      guard let text = json[name].text else { throw .invalid("entry: \(name): not a text") }
      guard text.utf8.count <= limit else {
        throw .tooLarge("entry: \(name): longer than \(limit) bytes")
      }
      return escaped(Array(text.utf8))
    }
    func needed(_ name: String) throws(ControlError) -> String {
      guard let text = try text(name), !text.isEmpty else {
        throw .invalid("entry: \(name): missing")
      }
      return text
    }
    let right = try needed("right")
    self.init(
      subject: try needed("subject"), object: try needed("object"), right: right,
      value: try text("value") ?? right,
      detail: try text("detail", limit: ConnectorLimits.detail) ?? "")
  }

  /// Bytes that it takes here.
  var size: Int {
    subject.utf8.count + object.utf8.count + right.utf8.count + value.utf8.count
      + detail.utf8.count
  }

  /// Writes it as the connector reported it.
  func writeReported(to writer: inout JSONWriter) {
    func raw(_ text: String) -> String {
      unescaped(text).map { String(decoding: $0, as: UTF8.self) } ?? text
    }
    writer.beginObject()
    writer.member("subject", raw(subject))
    writer.member("object", raw(object))
    writer.member("right", raw(right))
    writer.member("value", raw(value))
    writer.member("detail", raw(detail))
    writer.endObject()
  }
}
