package import Grants
package import Provenance

/// What makes two items one act: the process, the kind, and the subject or the object.
package struct ActKey: Hashable {
  package var process: ProcessKey
  package var kind: GrantKind
  /// For memberships: who and which group. Nil for files, whose subject may widen as items come.
  package var detail: String?

  package init(process: ProcessKey, kind: GrantKind, detail: String?) {
    self.process = process
    self.kind = kind
    self.detail = detail
  }
}

/// The acts that still take items (CONTRACT: closed after 2 s without one, 60 s after the first).
package struct OpenActs {
  package static let quiet: Int64 = 2_000_000
  package static let longest: Int64 = 60_000_000
  /// How long after the first change those that were made in time are still taken in, read late.
  package static let longestLate: Int64 = 600_000_000

  package struct Act {
    package var grant: String
    package var process: ProcessKey
    package var first: Int64
    package var last: Int64
    /// How many items the grant had when its advice was last looked up.
    package var matchedItems = 0
  }

  package private(set) var acts: [ActKey: [Act]] = [:]
  private var keys: [String: ActKey] = [:]

  package init() {}

  package var isEmpty: Bool { keys.isEmpty }

  /// The open acts under `key` at `up`.
  package func open(_ key: ActKey, at up: Int64) -> [Act] {
    (acts[key] ?? []).filter { !Self.isOver($0, at: up) }
  }

  /// The acts that a change of a file, made at `up` or before, may belong to: it waited in the
  /// kernel's queue, nobody knows how long, and no act is closed while something waits there.
  package func open(_ key: ActKey, forQueued up: Int64) -> [Act] {
    (acts[key] ?? []).filter { up - $0.first < Self.longest }
  }

  package static func isOver(_ act: Act, at up: Int64) -> Bool {
    up - act.last >= quiet || up - act.first >= longest
  }

  package mutating func begin(_ grant: String, _ key: ActKey, at up: Int64) {
    acts[key, default: []].append(Act(grant: grant, process: key.process, first: up, last: up))
    keys[grant] = key
  }

  package mutating func touch(_ grant: String, at up: Int64) {
    change(grant) { $0.last = max($0.last, up) }
  }

  package mutating func matched(_ grant: String, items: Int) {
    change(grant) { $0.matchedItems = items }
  }

  private mutating func change(_ grant: String, _ body: (inout Act) -> Void) {
    guard let key = keys[grant],
      let index = acts[key]?.firstIndex(where: { $0.grant == grant })
    else { return }
    if acts[key] != nil { body(&acts[key, default: []][index]) }
  }

  /// The key of a grant whose act is open.
  package func key(of grant: String) -> ActKey? { keys[grant] }

  /// The grants whose acts are open and are of one process.
  package func grants(of process: ProcessKey) -> [String] {
    acts.filter { $0.key.process == process }.flatMap { $0.value.map(\.grant) }.sorted()
  }

  package func act(of grant: String) -> Act? {
    keys[grant].flatMap { acts[$0]?.first { $0.grant == grant } }
  }

  package mutating func close(_ grant: String) {
    guard let key = keys.removeValue(forKey: grant) else { return }
    acts[key]?.removeAll { $0.grant == grant }
    if acts[key]?.isEmpty == true { acts[key] = nil }
  }
}
