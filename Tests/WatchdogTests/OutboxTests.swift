import Grants
import Testing
import Watchdog

@Suite struct OutboxTests {
  private func waiting(_ outbox: Outbox, _ endpoint: String, _ limit: Int = 100) -> [Int64] {
    outbox.waiting(for: endpoint, limit: limit).map(\.sequence)
  }

  private func box(_ endpoints: [String] = ["one", "two"], _ count: Int64 = 4) -> Outbox {
    var outbox = Outbox()
    outbox.setEndpoints(endpoints, newFrom: 0)
    for sequence in 0..<count { outbox.add(outboxEvent(sequence + 1)) }
    return outbox
  }

  @Test func eachEndpointHasItsOwnOrder() {
    var outbox = box()
    #expect(waiting(outbox, "one") == [1, 2, 3, 4])
    #expect(waiting(outbox, "one", 2) == [1, 2])
    #expect(waiting(outbox, "nobody") == [])
    let event = outbox.acknowledge("one", 2, delivered: true, reason: "", at: moment().wall)
    #expect(event?.sequence == 2)
    #expect(waiting(outbox, "one") == [3, 4])
    #expect(waiting(outbox, "two") == [1, 2, 3, 4])
    #expect(outbox.events.count == 4)
    _ = outbox.acknowledge("two", 3, delivered: true, reason: "", at: moment().wall)
    #expect(outbox.events.map(\.sequence) == [3, 4])
    #expect(outbox.deadLetters.isEmpty)
  }

  @Test func nothingIsAcknowledgedBackwardsOrUnseen() {
    var outbox = box()
    _ = outbox.acknowledge("one", 3, delivered: true, reason: "", at: moment().wall)
    _ = outbox.acknowledge("one", 1, delivered: true, reason: "", at: moment().wall)
    #expect(outbox.acknowledged["one"] == 3)
    #expect(outbox.acknowledge("one", 9, delivered: true, reason: "", at: moment().wall) == nil)
    #expect(outbox.acknowledge("three", 1, delivered: true, reason: "", at: moment().wall) == nil)
    #expect(waiting(outbox, "one") == [4])
  }

  @Test func whatNeverArrivesIsADeadLetter() {
    var outbox = box()
    _ = outbox.acknowledge("one", 1, delivered: false, reason: "gone", at: moment(60).wall)
    #expect(outbox.deadLetters.count == 1)
    #expect(outbox.deadLetters.first?.endpoint == "one")
    #expect(outbox.deadLetters.first?.sequence == 1)
    #expect(outbox.deadLetters.first?.reason == "gone")
    #expect(outbox.deadLetters.first?.time == moment(60).wall)
    #expect(waiting(outbox, "one") == [2, 3, 4])
  }

  @Test func aFullOutboxDropsTheOldestVisibly() {
    var outbox = Outbox()
    outbox.setEndpoints(["one"], newFrom: 0)
    for sequence in 1...Int64(Outbox.limit) + 2 { outbox.add(outboxEvent(sequence)) }
    #expect(outbox.events.count == Outbox.limit)
    #expect(outbox.deadLetters.map(\.sequence) == [1, 2])
    #expect(waiting(outbox, "one", 1) == [3])
  }

  @Test func aNewEndpointGetsWhatComesFromNowOn() {
    var outbox = box(["one"])
    outbox.setEndpoints(["one", "late"], newFrom: 4)
    #expect(waiting(outbox, "late") == [])
    outbox.add(outboxEvent(5))
    #expect(waiting(outbox, "late") == [5])
    #expect(waiting(outbox, "one") == [1, 2, 3, 4, 5])
    outbox.setEndpoints(["late"], newFrom: 5)
    #expect(outbox.events.map(\.sequence) == [5])
    outbox.setEndpoints([], newFrom: 5)
    #expect(outbox.events.isEmpty)
    outbox.add(outboxEvent(6))
    #expect(outbox.events.isEmpty)
  }

  @Test func aRestartGoesOnWhereItWas() {
    var outbox = Outbox()
    outbox.restore(endpoint: "one", acknowledged: 0)
    outbox.restore(endpoint: "one", acknowledged: 2)
    outbox.restore(endpoint: "one", acknowledged: 1)
    for sequence in [2, 3, 4, 4, 3] { outbox.add(outboxEvent(Int64(sequence))) }
    outbox.setEndpoints(["one"], newFrom: 100)
    #expect(waiting(outbox, "one") == [3, 4])
    #expect(outbox.events.map(\.sequence) == [3, 4])
  }
}
