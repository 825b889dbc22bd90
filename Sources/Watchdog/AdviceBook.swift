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
  private var submitted: [Submitter: [Int64]] = [:]
  private var bytes: [Submitter: Int] = [:]
  private var submissions: [Submission: String] = [:]

  /// A uid of this host, or of another.
  package struct Submitter: Hashable {
    package var host: String?
    package var uid: UInt32

    package init(host: String? = nil, uid: UInt32) {
      self.host = host
      self.uid = uid
    }
  }

  private struct Submission: Hashable {
    var submitter: Submitter
    var name: String
  }

  package init() {}

  package mutating func add(_ advice: Advice) {
    if let old = all[advice.id] {
      index.remove(id: advice.id)
      bytes[old.submitter, default: 0] -= old.text.utf8.count
    } else {
      order.append(advice.id)
    }
    all[advice.id] = advice
    index.add(advice)
    let submitter = advice.submitter
    bytes[submitter, default: 0] += advice.text.utf8.count
    if let name = advice.submission {
      submissions[Submission(submitter: submitter, name: name)] = advice.id
    }
    while bytes[submitter, default: 0] > Self.bytesPerUID, forgetOldest(of: submitter) {}
    while order.count > Self.limit, forgetOldest(of: nil) {}
  }

  /// The advice that `submitter` submitted under this name before.
  package func id(of name: String, by submitter: Submitter) -> String? {
    submissions[Submission(submitter: submitter, name: name)]
  }

  /// Forgets the oldest advice of `submitter`, or of anybody, that is not approved; false for none.
  private mutating func forgetOldest(of submitter: Submitter?) -> Bool {
    let place = order.firstIndex { id in
      guard let advice = all[id] else { return true }
      return advice.approval == nil && (submitter == nil || advice.submitter == submitter)
    }
    guard let place, place < order.count - 1 else { return false }
    let id = order.remove(at: place)
    guard let advice = all.removeValue(forKey: id) else { return true }
    index.remove(id: id)
    bytes[advice.submitter, default: 0] -= advice.text.utf8.count
    if let name = advice.submission {
      submissions[Submission(submitter: advice.submitter, name: name)] = nil
    }
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

  /// True when `submitter` may submit one more at `up`; counts it.
  package mutating func mayAdd(_ submitter: Submitter, at up: Int64) -> Bool {
    if submitted.count > 1024 {
      submitted = submitted.filter { ($0.value.last ?? 0) > up - 60_000_000 }
    }
    let recent = (submitted[submitter] ?? []).filter { $0 > up - 60_000_000 }
    let isRoot = submitter == Submitter(uid: 0)
    guard isRoot || recent.count < Self.perMinute else { return false }
    submitted[submitter] = isRoot ? nil : recent + [up]
    return true
  }
}

extension Advice {
  /// Who submitted it.
  package var submitter: AdviceBook.Submitter {
    AdviceBook.Submitter(host: host, uid: submittedBy)
  }
}
