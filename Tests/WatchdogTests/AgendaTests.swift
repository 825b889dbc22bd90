import Testing
import Watchdog

@Suite struct AgendaTests {
  @Test func entriesComeInTheOrderOfTheirTime() {
    var agenda = Agenda()
    #expect(agenda.soonest == nil)
    #expect(agenda.takeDue(at: .max) == nil)
    var times = (0..<500).map { Int64(($0 * 7919) % 499) }
    for time in times { agenda.add(.deadline("\(time)"), at: time) }
    times.sort()
    #expect(agenda.count == 500)
    #expect(agenda.soonest == times.first)
    for time in times {
      #expect(agenda.soonest == time)
      #expect(agenda.takeDue(at: time) == .deadline("\(time)"))
    }
    #expect(agenda.count == 0)
  }

  @Test func whatNobodyWaitsForIsTakenOut() {
    var agenda = Agenda()
    for number in 0..<100 { agenda.add(.deadline("\(number)"), at: Int64((number * 37) % 100)) }
    agenda.add(.mark, at: 50)
    agenda.removeAll { if case .deadline(let id) = $0 { id.hasSuffix("3") } else { false } }
    #expect(agenda.count == 91)
    var last: Int64 = -1
    while let soonest = agenda.soonest, let entry = agenda.takeDue(at: soonest) {
      #expect(soonest >= last)
      last = soonest
      if case .deadline(let id) = entry { #expect(!id.hasSuffix("3")) }
    }
  }

  @Test func whatIsNotDueStays() {
    var agenda = Agenda()
    agenda.add(.mark, at: 100)
    #expect(agenda.takeDue(at: 99) == nil)
    #expect(agenda.takeDue(at: 100) == .mark)
    #expect(agenda.soonest == nil)
  }
}
