import ByteText
import Grants
import Kinds
import Provenance

/// An advice that a human approved beforehand covers what it proposes and no more. What comes is
/// divided: the approved part is a grant of its own and approved, what goes beyond is another, is
/// not approved, and says so.
extension Engine {
  /// An approval that covered something of a process's act.
  struct ApprovedAct {
    var process: ProcessKey
    var up: Int64
    var advice: String
    var said: String
    /// The grant that has the approved part.
    var part: String?
    var kind: GrantKind
  }

  /// How long the rest of an act is compared with what was approved of it.
  private static let actReach: Int64 = 60_000_000
  private static let mostActs = 128

  /// Compares the items of a grant from `first` on with what was approved beforehand.
  func compareWithApprovals(_ id: String, from first: Int, mayDivide: Bool) {
    guard let grant = store[id], grant.state == .active, grant.approval == nil,
      grant.provenance != .automation, first < grant.items.count
    else { return }
    let approvals = usableApprovals(for: grant)
    defer {
      if !approvals.isEmpty, let grant = store[id], grant.state == .active {
        shapes[id] = GrantShape(grant)
      }
    }
    guard
      let division = advice.index.divide(
        grant, from: first, by: approvals.map(\.advice), at: now)
    else { return compareWithAct(grant) }
    let said = division.change.saying
    let process = acts.key(of: id)?.process
    let isWhole = division.rest.isEmpty && first == 0
    if division.covered.isEmpty || !isWhole && !mayDivide {
      return markWider(id, division.advice, said)
    }
    // Where several cover it together, it ends with the first of them.
    let covering = approvals.filter { division.advices.contains($0.advice) }.map(\.approval)
    guard let approval = covering.min(by: { $0.until.left(at: now) < $1.until.left(at: now) })
    else { return }
    var act = ApprovedAct(
      process: process ?? ProcessKey(pid: 0, start: 0), up: now.up, advice: division.advice,
      said: said, part: nil, kind: grant.kind)
    if isWhole {
      approve(id, by: approval, division)
      act.part = id
    } else {
      act.part = takeOut(division, of: id, from: first, approval)
      if !division.rest.isEmpty { markWider(id, division.advice, said) }
    }
    guard process != nil, act.process.pid > 0 else { return }
    note(act)
  }

  /// The approved advices that are open to this grant: whoever made it does not approve it.
  private func usableApprovals(for grant: Grant) -> [(advice: String, approval: Approval)] {
    let maker = grant.actor.loginUID ?? grant.actor.uid
    return advice.approved.compactMap { id in
      guard let entry = advice.all[id], let approval = entry.approval,
        entry.time <= grant.grantedAt, approval.until.left(at: now) > .zero,
        configuration.selfApproval || !isSame(maker, approval.byLoginUID ?? approval.byUID)
      else { return nil }
      return (id, approval)
    }
  }

  private func approve(_ id: String, by approval: Approval, _ division: GrantDivision) {
    store.change(id) {
      $0.approval = approval
      $0.state = .approved
      Self.set(
        Intent(
          .within, by: .approval, advice: division.advice, said: division.change.saying), of: &$0)
      $0.because.append("advice \(division.advice) was approved by \(approval.by) beforehand")
    }
    agenda.add(.deadline(id), at: approval.until.up)
    agenda.add(.nativeExpiry(id), at: now.up)
  }

  // MARK: Dividing

  /// What a grant is called after, as long as its act is divided.
  struct GrantShape {
    var items: Int
    var subject: String
    var object: String
    var right: String

    init(_ grant: Grant) {
      items = grant.items.count
      (subject, object, right) = (grant.subject, grant.object, grant.right)
    }
  }

  /// Moves what is covered to a grant of its own, which is approved; returns its id.
  private func takeOut(
    _ division: GrantDivision, of id: String, from first: Int, _ approval: Approval
  ) -> String? {
    let part = approvedPart(of: id, division, approval)
    store.replaceItems(of: id, from: first, by: division.rest)
    let before = shapes[id].flatMap { $0.items == first ? $0 : nil }
    store.change(id) { grant in
      if first > 0, let before {
        (grant.subject, grant.object, grant.right) = (before.subject, before.object, before.right)
      }
      self.name(&grant, after: division.rest, division.restRights, alone: first == 0)
    }
    return part
  }

  /// The grant that holds the approved part: that of the same act, or a new one.
  private func approvedPart(
    of id: String, _ division: GrantDivision, _ approval: Approval
  ) -> String? {
    let process = acts.key(of: id)?.process
    guard var part = store[id] else { return nil }
    let known = approvedActs.last {
      $0.process == process && $0.kind == part.kind && $0.advice == division.advice
        && $0.part != nil && now.up - $0.up < Self.actReach
    }?.part
    if let known, store[known]?.state == .approved, part.kind.isFiles {
      update(known) { part in
        part.items += division.covered
        self.name(&part, after: division.covered, division.coveredRights, alone: false)
      }
      return known
    }
    part.id = Identifier.make("g", length: 6) { store[$0] != nil }
    part.items = division.covered
    part.open = false
    part.alerted = false
    part.deadline = nil
    part.rule = nil
    if let old = part.intent { part.because.removeAll { $0 == old.text } }
    part.intent = nil
    name(&part, after: division.covered, division.coveredRights, alone: true)
    part.because.append("what went beyond is grant \(id)")
    insert(part)
    recentProcesses.share(id, with: part.id)
    approve(part.id, by: approval, division)
    // A rule of sudo's that is not written anywhere: it is put back with the end of the rest.
    if part.kind == .sudoRule { entryWatch(part.kind)?.stoodAside.insert(part.id) }
    agenda.add(.detectionAlert(part.id), at: now.up + OpenActs.quiet)
    return part.id
  }

  /// Names a grant after new items; `alone` where it has no others.
  private func name(
    _ grant: inout Grant, after items: [GrantItem], _ rights: [String], alone: Bool
  ) {
    guard let first = items.first, let right = rights.first else { return }
    grant.right = rights.reduce(alone ? right : grant.right) { union($0, $1, grant.kind) }
    guard grant.kind.isFiles else { return }
    grant.object = items.reduce(alone ? first.object : grant.object) { commonRoot($0, $1.object) }
    guard grant.kind == .fileMode else { return }
    if items.contains(where: \.isEveryones) {
      grant.subject = "everyone"
    } else if alone, let path = unescaped(String(first.object.dropFirst("file:".count))),
      let gid = fileModes.group(path: path, identity: first.identity)
    {
      grant.subject = "group:" + groupName(gid)
    }
  }

  private func union(_ left: String, _ right: String, _ kind: GrantKind) -> String {
    guard kind.isFiles, let one = FileRights(text: left), let other = FileRights(text: right) else {
      return EntryRight.union(left, right, kind)
    }
    return one.union(other).text
  }

  // MARK: What goes beyond

  /// Of a process that did something approved, all else is more than was approved.
  private func compareWithAct(_ grant: Grant) {
    guard grant.intent == nil, let process = acts.key(of: grant.id)?.process,
      let act = approvedActs.last(where: {
        $0.process == process && now.up - $0.up < Self.actReach
      })
    else { return }
    markWider(grant.id, act.advice, act.said)
  }

  /// Remembers the act, and compares with it what the same process gave just before.
  private func note(_ act: ApprovedAct) {
    approvedActs.removeAll { old in
      now.up - old.up >= Self.actReach || old.part != nil && old.part == act.part
    }
    approvedActs.append(act)
    approvedActs.removeFirst(max(0, approvedActs.count - Self.mostActs))
    for id in acts.grants(of: act.process) where id != act.part {
      guard let grant = store[id], grant.state == .active, grant.approval == nil,
        grant.intent == nil
      else { continue }
      update(id) { _ in }
      markWider(id, act.advice, act.said)
      keepAdvised(id)
      applyRule(id)
    }
  }

  private func markWider(_ id: String, _ advice: String, _ said: String) {
    let by = self.advice.all[advice]?.approval?.by ?? "somebody"
    store.change(id) {
      guard $0.intent?.source != .approval else { return }
      Self.set(Intent(.wider, by: .approval, advice: advice, said: said), of: &$0)
      $0.because.append("advice \(advice) was approved by \(by), and covers no more than that")
    }
  }

  /// What goes beyond an approved advice follows it in part, whatever of it no advice speaks of.
  func keepAdvised(_ id: String) {
    guard let grant = store[id], let intent = grant.intent, intent.source == .approval,
      intent.fit == .wider, grant.advice == nil,
      grant.provenance == .human || grant.provenance == .unknown,
      let adviceID = intent.advice, let source = advice.all[adviceID]
    else { return }
    follow(
      id, source, .weak,
      because: "advice \(adviceID) of \(source.agent) at \(source.time.rfc3339) proposed a part of"
        + " what was done: weak", proposed: intent.said)
  }
}

extension GrantItem {
  /// It gave bits to everyone, and not to the file's group alone.
  fileprivate var isEveryones: Bool {
    let bits = gainedModeBits
    let runsByOthers = after.flatMap(mode).map { $0 & 0o001 != 0 } ?? false
    return bits & 0o1007 != 0 || bits & 0o6000 != 0 && runsByOthers
  }
}
