import ByteText
package import Grants
package import Provenance

/// All advice that is on record, and the open ones ready to be matched.
package struct AdviceBook {
  /// Advice kept; the oldest goes first.
  package static let limit = 100_000
  /// What one uid may submit in a minute, root excepted.
  package static let perMinute = 120

  package private(set) var all: [String: Advice] = [:]
  package private(set) var order: [String] = []
  package private(set) var index = AdviceIndex()
  private var submitted: [UInt32: [Int64]] = [:]

  package init() {}

  package mutating func add(_ advice: Advice) {
    if all[advice.id] == nil { order.append(advice.id) } else { index.remove(id: advice.id) }
    all[advice.id] = advice
    index.add(advice)
    while order.count > Self.limit {
      let oldest = order.removeFirst()
      all[oldest] = nil
      index.remove(id: oldest)
    }
  }

  package mutating func change(_ id: String, _ body: (inout Advice) -> Void) {
    guard all[id] != nil else { return }
    all[id].map {
      var changed = $0; body(&changed); all[id] = changed
    }
  }

  package mutating func end(_ id: String) { index.remove(id: id) }

  package func ids(beginningWith text: String) -> [String] {
    if all[text] != nil { return [text] }
    guard text.utf8.count >= 3 else { return [] }
    return Array(order.lazy.filter { $0.hasPrefix(text) }.prefix(8))
  }

  /// True when `uid` may submit one more at `up`; counts it.
  package mutating func mayAdd(_ uid: UInt32, at up: Int64) -> Bool {
    if submitted.count > 1024 {
      submitted = submitted.filter { ($0.value.last ?? 0) > up - 60_000_000 }
    }
    let recent = (submitted[uid] ?? []).filter { $0 > up - 60_000_000 }
    guard uid == 0 || recent.count < Self.perMinute else { return false }
    submitted[uid] = uid == 0 ? nil : recent + [up]
    return true
  }
}
