import ByteText
import Control

/// Reports over one connection: whole states, in pages, or that nothing changed.
struct Reporter {
  /// Entries and bytes of one call.
  private static let entriesOfPage = 500
  private static let bytesOfPage = 512 << 10

  private let client: ControlClient
  private let name: String
  private var last: ServerState?
  private var known: Set<ReportedEntry.Name> = []

  init(socket: String, name: String) throws(ControlClientError) {
    client = try ControlClient(path: socket)
    self.name = name
  }

  /// Calls a method of the connector's interface; its errors are thrown.
  func call(_ method: String, _ members: [JSONMember] = []) throws(ControlClientError) {
    _ = try client.call(
      "Connector.\(method)", .object([JSONMember("connector", .string(name))] + members))
  }

  /// The state cannot be told.
  func report(problem: String) throws(ControlClientError) {
    try call(
      "Report",
      [
        JSONMember("entries", .array([])), JSONMember("complete", .bool(false)),
        JSONMember("problems", .array([.string(String(problem.prefix(500)))])),
      ])
  }

  mutating func report(_ state: ServerState) throws(ControlClientError) {
    if last == state {
      return try call("Unchanged")
    }
    var rest = state.entries[...]
    repeat {
      var page: [JSON] = []
      var bytes = 0
      while let entry = rest.first, page.count < Self.entriesOfPage, bytes < Self.bytesOfPage {
        let json = reported(entry, state)
        bytes += json.encoded.count
        page.append(json)
        rest = rest.dropFirst()
      }
      try call(
        "Report",
        [
          JSONMember("entries", .array(page)), JSONMember("complete", .bool(rest.isEmpty)),
        ])
    } while !rest.isEmpty
    known = Set(state.entries.map(\.name))
    last = state
  }

  private func reported(_ entry: ReportedEntry, _ state: ServerState) -> JSON {
    var members = [
      JSONMember("subject", .string(entry.name.subject)),
      JSONMember("object", .string(entry.name.object)),
      JSONMember("right", .string(entry.name.right)),
      JSONMember("detail", .string(entry.detail)),
    ]
    if !known.isEmpty, !known.contains(entry.name), let session = session(behind: entry, state) {
      members.append(JSONMember("actor", session))
    }
    return .object(members)
  }

  /// The one session whose last statement names both the subject and the object of a new entry.
  private func session(behind entry: ReportedEntry, _ state: ServerState) -> JSON? {
    let object = entry.name.object.split(separator: "/").last.map(String.init) ?? ""
    let bare = object.prefix { $0 != "(" }.split(separator: ".").last.map(String.init) ?? object
    let words = [entry.role ?? "public", bare].map { $0.lowercased() }
    let naming = state.sessions.filter { session in
      let query = (session["query"].text ?? "").lowercased()
      return words.allSatisfy { query.contains($0) }
    }
    guard naming.count == 1, let session = naming.first else { return nil }
    return .object([
      JSONMember("role", session["role"]), JSONMember("address", session["address"]),
      JSONMember("application", session["application"]), JSONMember("backend", session["pid"]),
    ])
  }
}
