import Grants
import Provenance
import Testing
import Watchdog

@Suite struct RevocationQueueTests {
  @Test func highestSeverityThenLongestOverdue() {
    var queue = RevocationQueue()
    queue.add("low", severity: .low, due: 1)
    queue.add("high-late", severity: .high, due: 20)
    queue.add("critical", severity: .critical, due: 30)
    queue.add("high-early", severity: .high, due: 10)
    queue.add("critical", severity: .low, due: 0)
    queue.add("taken-out", severity: .critical, due: 0)
    queue.remove("taken-out")
    queue.remove("unknown")
    #expect(queue.count == 4)
    var order: [String] = []
    while let id = queue.next(at: 100, perMinute: 100) { order.append(id) }
    #expect(order == ["critical", "high-early", "high-late", "low"])
  }

  @Test func noMoreInAMinuteThanAllowed() {
    var queue = RevocationQueue()
    for number in 0..<5 { queue.add("\(number)", severity: .high, due: Int64(number)) }
    let second: Int64 = 1_000_000
    #expect(queue.roomAt(perMinute: 2) == nil)
    #expect(queue.next(at: 0, perMinute: 2) == "0")
    #expect(queue.next(at: 10 * second, perMinute: 2) == "1")
    #expect(queue.next(at: 20 * second, perMinute: 2) == nil)
    let room = queue.roomAt(perMinute: 2)
    #expect(room.map { $0 > 60 * second && $0 <= 61 * second } == true)
    #expect(queue.next(at: 60 * second - 1, perMinute: 2) == nil)
    #expect(queue.next(at: room ?? 0, perMinute: 2) == "2")
    #expect(queue.next(at: room ?? 0, perMinute: 2) == nil)
    #expect(queue.roomAt(perMinute: 2).map { $0 > 70 * second } == true)
    #expect(queue.roomAt(perMinute: 3) == nil)
  }
}

@Suite struct OpenActsTests {
  private let key = ActKey(
    process: ProcessKey(pid: 100, start: 5), kind: .fileMode, detail: nil)
  private let second: Int64 = 1_000_000

  @Test func twoQuietSecondsCloseAnAct() {
    var acts = OpenActs()
    acts.begin("g-1", key, at: 0)
    #expect(acts.open(key, at: 2 * second - 1).map(\.grant) == ["g-1"])
    #expect(acts.open(key, at: 2 * second).isEmpty)
    acts.touch("g-1", at: 1 * second)
    #expect(acts.open(key, at: 3 * second - 1).map(\.grant) == ["g-1"])
    #expect(acts.open(key, at: 3 * second).isEmpty)
  }

  @Test func aMinuteClosesABusyAct() {
    var acts = OpenActs()
    acts.begin("g-1", key, at: 0)
    for time in 1..<60 { acts.touch("g-1", at: Int64(time) * second) }
    #expect(acts.open(key, at: 60 * second - 1).count == 1)
    #expect(acts.open(key, at: 60 * second).isEmpty)
  }

  @Test func actsOfOtherProcessesAreOthers() {
    var acts = OpenActs()
    acts.begin("g-1", key, at: 0)
    let again = ActKey(process: ProcessKey(pid: 100, start: 6), kind: .fileMode, detail: nil)
    #expect(acts.open(again, at: 0).isEmpty)
    acts.begin("g-2", key, at: 0)
    #expect(acts.open(key, at: 0).map(\.grant) == ["g-1", "g-2"])
    acts.matched("g-1", items: 7)
    #expect(acts.act(of: "g-1")?.matchedItems == 7)
    acts.close("g-1")
    #expect(acts.open(key, at: 0).map(\.grant) == ["g-2"])
    acts.close("g-2")
    #expect(acts.isEmpty)
  }
}

@Suite struct IncidentsTests {
  @Test func gapsUnderFiveMinutesAreOneIncident() {
    var incidents = Incidents()
    let minute: Int64 = 60_000_000
    let first = incidents.incident(root: "agent:1:1", at: 0)
    #expect(incidents.incident(root: "agent:1:1", at: 5 * minute - 1) == first)
    #expect(incidents.incident(root: "agent:1:1", at: 10 * minute - 2) == first)
    #expect(incidents.incident(root: "agent:1:1", at: 15 * minute - 2) != first)
    #expect(incidents.incident(root: "agent:2:1", at: 10 * minute) != first)
    #expect(first.hasPrefix("i-"))
  }

  @Test func recentProcessesForgetAfterHalfAMinute() {
    func key(_ pid: Int32) -> ProcessKey { ProcessKey(pid: pid, start: 10) }
    var recent = RecentProcesses()
    recent.add([key(4711), key(1), key(0)], grant: "g-1", at: 1_000_000)
    recent.add([key(4711)], grant: "g-2", at: 10_000_000)
    #expect(recent.grants(of: 4711, at: 10_000_000, known: nil) == ["g-1", "g-2"])
    #expect(recent.grants(of: 1, at: 10_000_000, known: nil).isEmpty)
    recent.add([key(2)], grant: "g-3", at: 31_000_001)
    #expect(recent.grants(of: 4711, at: 31_000_001, known: nil) == ["g-2"])
  }

  @Test func aNumberThatCameAgainIsAnotherProcess() {
    let former = ProcessKey(pid: 4711, start: 100)
    let later = ProcessKey(pid: 4711, start: 900)
    var recent = RecentProcesses()
    recent.add([former], grant: "g-1", at: 2_000_000)
    // A line of the later process, which gave nothing, is not the former one's.
    #expect(recent.grants(of: 4711, at: 9_500_000, known: later).isEmpty)
    #expect(recent.grants(of: 4711, at: 2_500_000, known: former) == ["g-1"])
    recent.add([later], grant: "g-2", at: 9_500_000)
    #expect(recent.grants(of: 4711, at: 9_500_000, known: nil) == ["g-2"])
    #expect(recent.grants(of: 4711, at: 3_000_000, known: nil) == ["g-1"])
    // The record's clock and /proc's differ by their rounding.
    let rounded = ProcessKey(pid: 4711, start: 901)
    #expect(recent.grants(of: 4711, at: 9_500_000, known: rounded) == ["g-2"])
  }
}
