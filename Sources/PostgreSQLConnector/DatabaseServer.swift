import ByteText

/// What a server says of who may do what.
struct ServerState: Equatable {
  /// As they are reported: subject, object, right and detail.
  var entries: [ReportedEntry] = []
  /// Who changed something in the last minute and is connected still.
  var sessions: [JSON] = []

  static func == (left: Self, right: Self) -> Bool { left.entries == right.entries }

  /// Takes what was read later for what a session did last.
  mutating func add(sessions later: [JSON]) {
    let known = Set(later.compactMap { $0["pid"].integer })
    sessions.removeAll { $0["pid"].integer.map(known.contains) ?? true }
    sessions += later
  }

  func contains(_ entry: ReportedEntry) -> Bool { entries.contains { $0.name == entry.name } }
}

/// One entry of a report; no part of it has any other form than the server gave it.
package struct ReportedEntry: Equatable, Sendable {
  struct Name: Hashable { var subject, object, right: String }

  var name: Name
  var detail: String

  init?(_ json: JSON) {
    guard let subject = json["subject"].text, let object = json["object"].text,
      let right = json["right"].text
    else { return nil }
    name = Name(subject: subject, object: object, right: right)
    detail = json["detail"].text ?? ""
  }

  /// An entry that comes back with a revocation: its value says the right too.
  init?(asked json: JSON) {
    self.init(json)
    if let value = json["value"].text { name.right = value }
  }

  /// The name of the role behind a subject; nil for everyone.
  var role: String? {
    name.subject.hasPrefix("role:") ? String(name.subject.dropFirst("role:".count)) : nil
  }

  /// `role` and `member` stand for what the whole server knows, other classes for one database.
  var place: (class: String, database: String?) {
    let json = (try? JSON.parse(Array(detail.utf8))) ?? .null
    return (json["class"].text ?? "", json["database"].text)
  }
}

/// What became of a revocation, in the words of `io.grantwatch.Connector`.
struct RevocationResult: Equatable {
  var outcome: String
  var text = ""
  var residue: [String] = []
}

/// A PostgreSQL server, read and changed through psql.
struct DatabaseServer: Sendable {
  var psql: PSQL
  /// Sessions of a role that lost something are ended.
  var terminates = false

  /// Reads everything; an error when a part of it could not be read.
  func read() throws(PSQLError) -> ServerState {
    let cluster = try object(psql.run(ReadingSQL.cluster))
    var state = ServerState()
    try add(cluster["entries"], to: &state)
    for database in cluster["databases"].elements.compactMap(\.text) {
      let values: [JSON]
      do throws(PSQLError) {
        values = try psql.run(ReadingSQL.database + ReadingSQL.sessions, database: database)
      } catch {
        throw PSQLError(description: "database \(escaped(database.utf8)): \(error)")
      }
      try add(values.first ?? .null, to: &state)
      state.add(sessions: values.dropFirst().first?.elements ?? [])
    }
    state.entries.sort {
      ($0.name.subject, $0.name.object, $0.name.right)
        < ($1.name.subject, $1.name.object, $1.name.right)
    }
    return state
  }

  private func object(_ values: [JSON]) throws(PSQLError) -> JSON {
    guard let first = values.first, case .object = first else {
      throw PSQLError(description: "psql: an object was expected")
    }
    return first
  }

  private func add(_ json: JSON, to state: inout ServerState) throws(PSQLError) {
    guard case .array(let elements) = json else {
      throw PSQLError(description: "psql: an array was expected")
    }
    for element in elements {
      guard let entry = ReportedEntry(element) else {
        throw PSQLError(description: "psql: an entry has no subject, object or right")
      }
      state.entries.append(entry)
    }
  }

  // MARK: Revoking

  /// Bytes of the entries of one transaction: an argument may have 128 KiB.
  private static let mostBytes = 100_000

  /// Takes entries back, those of one database in one transaction, and reads the state again.
  func revoke(_ entries: [ReportedEntry]) -> RevocationResult {
    var batches: [String?: [ReportedEntry]] = [:]
    for entry in entries { batches[entry.place.database, default: []].append(entry) }
    var missing: [ReportedEntry] = []
    for (database, batch) in batches.sorted(by: { ($0.key ?? "") < ($1.key ?? "") }) {
      do throws(PSQLError) {
        switch try revoke(batch, in: database) {
        case .refused(let text): return RevocationResult(outcome: "impossible", text: text)
        case .done(let left): missing += left
        }
      } catch {
        return RevocationResult(outcome: "failed", text: "PostgreSQL: \(error)")
      }
    }
    return judge(entries, missing)
  }

  private enum Taken {
    case done(missing: [ReportedEntry])
    case refused(String)
  }

  private func revoke(
    _ entries: [ReportedEntry], in database: String?
  ) throws(PSQLError) -> Taken {
    var missing: [ReportedEntry] = []
    var rest = entries[...]
    while !rest.isEmpty {
      var writer = JSONWriter()
      writer.beginArray()
      var batch: [ReportedEntry] = []
      while let next = rest.first, batch.isEmpty || writer.bytes.count < Self.mostBytes {
        writer.beginObject()
        writer.member("index", batch.count)
        writer.member("detail", next.detail)
        writer.endObject()
        batch.append(next)
        rest = rest.dropFirst()
      }
      writer.endArray()
      let found = try object(
        psql.run(
          RevokingSQL.script, database: database,
          variables: [("entries", String(decoding: writer.bytes, as: UTF8.self))]))
      if let refused = found["refused"].elements.first?.integer,
        batch.indices.contains(Int(refused))
      {
        return .refused(
          "\(batch[Int(refused)].name.subject) is the connector's own role or the server's first")
      }
      let taken = Set(found["found"].elements.compactMap(\.integer).map(Int.init))
      missing += batch.indices.filter { !taken.contains($0) }.map { batch[$0] }
    }
    return .done(missing: missing)
  }

  /// Looks again: the state says what is left.
  private func judge(
    _ entries: [ReportedEntry], _ missing: [ReportedEntry]
  ) -> RevocationResult {
    let state: ServerState
    do throws(PSQLError) {
      state = try read()
    } catch {
      return RevocationResult(outcome: "failed", text: "PostgreSQL: \(error)")
    }
    if let other = missing.first(where: state.contains) {
      return RevocationResult(
        outcome: "drifted",
        text: "\(other.name.object): it was dropped, and another of its name stands there")
    }
    if let left = entries.first(where: state.contains) {
      return RevocationResult(
        outcome: "failed",
        text: "\(left.name.right) on \(left.name.object) is there still: it was given again")
    }
    return RevocationResult(
      outcome: missing.count == entries.count ? "gone" : "done", text: "",
      residue: residue(of: entries))
  }

  /// What a session has taken up outlives a revocation: that it is a superuser's, a role it has set.
  private func residue(of entries: [ReportedEntry]) -> [String] {
    let roles = Set(
      entries.filter { ["role", "member"].contains($0.place.class) }.compactMap(\.role))
    guard !roles.isEmpty else { return [] }
    let names = JSON.array(roles.sorted().map { .string($0) })
    let values = try? psql.run(
      RevokingSQL.sessions,
      variables: [
        ("roles", String(decoding: names.encoded, as: UTF8.self)),
        ("terminate", terminates ? "yes" : "no"),
      ])
    return (values?.first ?? .null).elements.filter { $0["ended"].bool != true }.map { session in
      let application = session["application"].text ?? ""
      return "backend \(session["pid"].integer ?? 0)"
        + (application.isEmpty ? "" : " (\(application))")
        + " of role \(session["role"].text ?? "?") still runs"
    }
  }
}
