import ByteText
import Control
import Dispatch
import LinuxKit
import Synchronization

/// A connector that does what a test says: well, badly, or nothing.
final class FakeConnector: Sendable {
  private let client: ControlClient
  private let taker: ControlClient
  private let name: String
  private let heard = Mutex<[JSON]>([])

  init(_ socket: String, _ name: String = "shop") throws {
    client = try ControlClient(path: socket)
    taker = try ControlClient(path: socket)
    self.name = name
  }

  /// What a connector may write as an entry.
  static func entry(
    _ subject: String, _ object: String, _ right: String, value: String? = nil,
    actor: [(String, JSON)] = []
  ) -> JSON {
    var members = [
      JSONMember("subject", .string(subject)), JSONMember("object", .string(object)),
      JSONMember("right", .string(right)), JSONMember("detail", .string("{\"of\":\"\(object)\"}")),
    ]
    if let value { members.append(JSONMember("value", .string(value))) }
    if !actor.isEmpty {
      members.append(JSONMember("actor", .object(actor.map { JSONMember($0.0, $0.1) })))
    }
    return .object(members)
  }

  @discardableResult
  func call(_ method: String, _ members: [(String, JSON)] = []) throws -> JSON {
    let all = [("connector", JSON.string(name))] + members
    return try client.call("Connector.\(method)", .object(all.map { JSONMember($0.0, $0.1) }))
  }

  func report(_ entries: [JSON], complete: Bool = true, problems: [String] = []) throws {
    try call(
      "Report",
      [
        ("entries", .array(entries)), ("complete", .bool(complete)),
        ("problems", .array(problems.map { .string($0) })),
      ])
  }

  /// Hears revocations from now on.
  func listen() {
    DispatchQueue(label: "fake connector").async { [self] in
      try? taker.stream(
        "Connector.TakeRevocations", .object([JSONMember("connector", .string(name))])
      ) { reply in
        heard.withLock { $0 += reply["revocations"].elements }
        return true
      }
    }
  }

  var revocations: [JSON] { heard.withLock { $0 } }

  func answer(_ revocation: JSON, _ outcome: String, text: String = "", residue: [String] = [])
    throws
  {
    try call(
      "Revoked",
      [
        ("revocation", revocation["id"]), ("outcome", .string(outcome)), ("text", .string(text)),
        ("residue", .array(residue.map { .string($0) })),
      ])
  }

  /// Answers so many revocations as they come, and then reports.
  func answerAll(_ outcome: String, parts: Int, then entries: [JSON]) {
    DispatchQueue(label: "fake connector's answers").async { [self] in
      var answered = 0
      for _ in 0..<6000 where answered < parts {
        for revocation in revocations.dropFirst(answered) {
          try? answer(revocation, outcome)
          answered += 1
        }
        SystemClock.pause(milliseconds: 5)
      }
      try? report(entries)
    }
  }

  /// Goes without a word.
  func die() {
    client.interrupt()
    taker.interrupt()
  }
}
