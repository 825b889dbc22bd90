import Grants
import Provenance

/// What makes two items one act: the process, the kind, and the subject or the object.
struct ActKey: Hashable {
  var process: ProcessKey
  var kind: GrantKind
  /// For memberships: who and which group. Nil for files, whose subject may widen as items come.
  var detail: String?
}

/// The acts that still take items (CONTRACT: closed after 2 s without one, 60 s after the first).
struct OpenActs {
  static let quiet: Int64 = 2_000_000
  static let longest: Int64 = 60_000_000

  struct Act {
    var grant: String
    var first: Int64
    var last: Int64
    /// How many items the grant had when its advice was last looked up.
    var matchedItems = 0
  }

  private(set) var acts: [ActKey: [Act]] = [:]
  private var keys: [String: ActKey] = [:]

  var isEmpty: Bool { keys.isEmpty }

  /// The open acts under `key` at `up`.
  func open(_ key: ActKey, at up: Int64) -> [Act] {
    (acts[key] ?? []).filter { !Self.isOver($0, at: up) }
  }

  static func isOver(_ act: Act, at up: Int64) -> Bool {
    up - act.last >= quiet || up - act.first >= longest
  }

  mutating func begin(_ grant: String, _ key: ActKey, at up: Int64) {
    acts[key, default: []].append(Act(grant: grant, first: up, last: up))
    keys[grant] = key
  }

  mutating func touch(_ grant: String, at up: Int64) {
    change(grant) { $0.last = max($0.last, up) }
  }

  mutating func matched(_ grant: String, items: Int) { change(grant) { $0.matchedItems = items } }

  private mutating func change(_ grant: String, _ body: (inout Act) -> Void) {
    guard let key = keys[grant],
      let index = acts[key]?.firstIndex(where: { $0.grant == grant })
    else { return }
    if acts[key] != nil { body(&acts[key, default: []][index]) }
  }

  func act(of grant: String) -> Act? {
    keys[grant].flatMap { acts[$0]?.first { $0.grant == grant } }
  }

  mutating func close(_ grant: String) {
    guard let key = keys.removeValue(forKey: grant) else { return }
    acts[key]?.removeAll { $0.grant == grant }
    if acts[key]?.isEmpty == true { acts[key] = nil }
  }
}
