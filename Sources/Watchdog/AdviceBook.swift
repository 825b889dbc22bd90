import ByteText
package import Grants
package import Provenance

/// All advice that is on record, and the open ones ready to be matched.
package struct AdviceBook {
  /// Advice kept; the oldest goes first.
  package static let limit = 100_000
  /// What one uid may submit in a minute, root excepted.
  package static let perMinute = 120
  /// Bytes of text that are kept of one uid: beyond them its own oldest goes, never an approved one.
  package static let bytesPerUID = 16 << 20

  package private(set) var all: [String: Advice] = [:]
  package private(set) var order: [String] = []
  package private(set) var index = AdviceIndex()
  private var submitted: [UInt32: [Int64]] = [:]
  private var bytes: [UInt32: Int] = [:]

  package init() {}

  package mutating func add(_ advice: Advice) {
    if let old = all[advice.id] {
      index.remove(id: advice.id)
      bytes[old.submittedBy, default: 0] -= old.text.utf8.count
    } else {
      order.append(advice.id)
    }
    all[advice.id] = advice
    index.add(advice)
    let uid = advice.submittedBy
    bytes[uid, default: 0] += advice.text.utf8.count
    while bytes[uid, default: 0] > Self.bytesPerUID, forgetOldest(of: uid) {}
    while order.count > Self.limit, forgetOldest(of: nil) {}
  }

  /// Forgets the oldest advice of `uid`, or of anybody, that is not approved; false for none.
  private mutating func forgetOldest(of uid: UInt32?) -> Bool {
    let place = order.firstIndex { id in
      guard let advice = all[id] else { return true }
      return advice.approval == nil && (uid == nil || advice.submittedBy == uid)
    }
    guard let place, place < order.count - 1 else { return false }
    let id = order.remove(at: place)
    guard let advice = all.removeValue(forKey: id) else { return true }
    index.remove(id: id)
    bytes[advice.submittedBy, default: 0] -= advice.text.utf8.count
    return true
  }

  package mutating func change(_ id: String, _ body: (inout Advice) -> Void) {
    guard var changed = all[id] else { return }
    body(&changed)
    all[id] = changed
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
