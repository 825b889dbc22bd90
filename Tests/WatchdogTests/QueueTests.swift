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

  @Test func recentPidsForgetAfterHalfAMinute() {
    var pids = RecentPids()
    pids.add([4711, 1, 0], grant: "g-1", at: 0)
    pids.add([4711], grant: "g-2", at: 10_000_000)
    #expect(pids.grants(of: 4711) == ["g-1", "g-2"])
    #expect(pids.grants(of: 1).isEmpty)
    pids.add([2], grant: "g-3", at: 30_000_001)
    #expect(pids.grants(of: 4711) == ["g-2"])
  }
}
