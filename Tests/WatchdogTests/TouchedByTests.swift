import ByteText
import Grants
import Provenance
import Testing
import Watchdog

/// Who touched a kind's files, and since when nobody looked.
@Suite struct TouchedByTests {
  private func attribution(
    _ pid: Int32, root: String, command: String = "", agent: Bool = false
  ) -> Attribution {
    var found = Attribution.unseen(reason: "test")
    found.process = ProcessKey(pid: pid, start: 1)
    found.rootKey = root
    found.actor.command = command
    if agent { found.provenance = .agentExecuted }
    return found
  }

  @Test func whoeverIsLeftOutIsBlamedOnNobodyElse() {
    var touched = TouchedBy()
    for pid in 0..<Int32(TouchedBy.most) { touched.add(attribution(pid, root: "r\(pid)")) }
    #expect(!touched.isCrowded)
    touched.add(attribution(1000, root: "another", agent: true))
    #expect(touched.isCrowded && touched.all.count == TouchedBy.most)
    let giver = touched.giver(named: ["bob"], since: nil) { _ in false }
    #expect(giver.process.pid == 0 && giver.provenance == .unknown)
    #expect(giver.because.first?.contains("cannot be told") == true)
  }

  @Test func aCommandThatNamesTheChangeIsBelievedAllTheSame() {
    var touched = TouchedBy()
    touched.add(attribution(7, root: "r", command: "sed -i s/bob/x/ /etc/sudoers"))
    for pid in 100..<Int32(200) { touched.add(attribution(pid, root: "r\(pid)")) }
    let giver = touched.giver(named: ["bob", "/etc/sudoers"], since: nil) { _ in false }
    #expect(giver.process.pid == 7)
  }

  @Test func ofSeveralActorsNobodyIsCertain() {
    func giver(_ all: [Attribution]) -> Attribution {
      var touched = TouchedBy()
      for one in all { touched.add(one) }
      return touched.giver(named: ["bob"], since: nil) { _ in false }
    }
    func sure(_ attribution: Attribution) -> Attribution {
      var sure = attribution
      sure.confidence = .certain
      return sure
    }
    let (one, other) = (sure(attribution(7, root: "r1")), sure(attribution(8, root: "r2")))
    let agent = sure(attribution(9, root: "a", agent: true))
    #expect(giver([one, sure(attribution(6, root: "r1"))]).confidence == .certain)
    let last = giver([one, other])
    #expect(last.process.pid == 8 && last.confidence == .weak)
    #expect(last.because.last?.contains("between the same two looks") == true)
    let blamed = giver([one, agent, other])
    #expect(blamed.process.pid == 9 && blamed.confidence == .strong)
    #expect(blamed.because.count == 3)
    #expect(giver([agent]).confidence == .certain)
  }

  @Test func theManyProcessesOfOneActorCrowdNobodyOut() {
    var touched = TouchedBy()
    touched.add(attribution(7, root: "other"))
    for pid in 100..<Int32(1000) { touched.add(attribution(pid, root: "agent", agent: true)) }
    #expect(!touched.isCrowded && touched.all.contains { $0.process.pid == 7 })
    #expect(touched.giver(named: ["bob"], since: nil) { _ in false }.rootKey == "agent")
  }

  @Test func aGapThatFallsIntoALookCountsForTheNextToo() {
    var gap = LookGap()
    gap.note(moment(5).wall, isLooking: false)
    gap.note(moment(9).wall, isLooking: true)
    #expect(gap.take() == moment(5).wall)
    #expect(gap.take() == moment(9).wall)
    #expect(gap.take() == nil)
    gap.note(moment(3).wall, isLooking: true)
    gap.lookFailed()
    #expect(gap.take() == moment(3).wall)
    #expect(gap.take() == nil)
  }
}

/// What keeps a flood of grants from filling the outbox.
@Suite struct AlertFoldingTests {
  @Test func theFirstLeaveOneByOneAndTheRestTogether() {
    var folding = AlertFolding()
    let left = (0..<200).filter { _ in
      folding.admits("grant.detected", of: "i-1", severity: .high, at: 0)
    }
    #expect(left.count == AlertFolding.most)
    let others = [
      folding.admits("grant.detected", of: "i-2", severity: .high, at: 0),
      folding.admits("grant.revoked", of: "i-1", severity: .high, at: 0),
    ]
    #expect(others == [true, true])
    let told = folding.take(at: 1)
    #expect(told.map(\.key.incident) == ["i-1"])
    #expect(told.map(\.fold.count) == [200 - AlertFolding.most])
    let nothing = folding.take(at: 2)
    let isAdmitted = folding.admits("grant.detected", of: "i-1", severity: .high, at: 3)
    let last = folding.take(at: AlertFolding.span)
    let later = folding.admits(
      "grant.detected", of: "i-1", severity: .high, at: AlertFolding.span + 1)
    #expect(nothing.isEmpty && !isAdmitted && last.count == 1 && later)
  }
}
