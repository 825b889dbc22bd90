package import ByteText
import Grants
package import Provenance

/// Who touched the files of a kind since it was looked at, in order.
package struct TouchedBy {
  /// Processes that are kept at the most: who touches a file a thousand times counts once.
  package static let most = 64

  package private(set) var all: [Attribution] = []
  /// Somebody is left out: more than that did so, and of more actors than one.
  package private(set) var isCrowded = false

  package init() {}

  package var isEmpty: Bool { all.isEmpty && !isCrowded }

  /// Where there is no room any more, the last ones of an actor's many processes stand for it.
  package mutating func add(_ attribution: Attribution) {
    guard !all.contains(where: { $0.process == attribution.process }) else { return }
    if all.count >= Self.most {
      let older = all.firstIndex {
        $0.rootKey == attribution.rootKey && $0.provenance == attribution.provenance
      }
      guard let older else {
        isCrowded = true
        return
      }
      all.remove(at: older)
    }
    all.append(attribution)
  }

  /// Who is behind a change of them: of several the one whose command has all of `names`, else an
  /// agent, else the last. Where these act for different people or agents the others are named, and
  /// it is not certain: an agent's at most `strong`, since it must not hide behind whoever touches a
  /// file between two looks, all else `weak`. Where somebody is left out nobody is blamed in
  /// another's place; what is `ours` is left aside.
  package func giver(
    named names: [String], since gap: Timestamp?, isOurs: (Attribution) -> Bool
  ) -> Attribution {
    let foreign = all.filter { !isOurs($0) }
    if foreign.count > 1 {
      let naming = foreign.first { candidate in
        let command = candidate.actor.command ?? ""
        return !command.isEmpty && names.allSatisfy { command.contains($0) }
      }
      if let naming { return naming }
      if isCrowded {
        return .unseen(
          reason: "more than \(Self.most) processes touched its files between two looks: which of"
            + " them gave it cannot be told")
      }
      if let agent = foreign.first(where: { $0.provenance == .agentExecuted }) {
        return agent.inDoubt(beside: foreign, atMost: .strong)
      }
      if let last = foreign.last { return last.inDoubt(beside: foreign, atMost: .weak) }
    }
    if let last = foreign.last { return last }
    let since = gap.map { ", at or after \($0.rfc3339)" } ?? ""
    return .unseen(reason: "given while nobody could look\(since)")
  }

  package mutating func add(_ others: TouchedBy) {
    for attribution in others.all { add(attribution) }
    isCrowded = isCrowded || others.isCrowded
  }
}
