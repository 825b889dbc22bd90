import ByteText
import Control
import Dispatch
import Notify
import Synchronization
import Testing

/// Over a real control socket.
@Suite struct ControlOutboxTests {
  @Test("Events come by a stream, and what became of them goes back")
  func roundTrip() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/control.sock"
    let queue = DispatchQueue(label: "daemon")
    let heard = Mutex<[JSON]>([])
    let server = try ControlServer(path: path, queue: queue) { call in
      switch call.method {
      case "TakeOutbox":
        for sequence in [Int64(1), 2] {
          call.reply(continues: sequence == 1) {
            $0.key("events")
            $0.beginArray()
            $0.value(sampleEvent(sequence))
            $0.endArray()
          }
        }
      case "Acknowledge":
        heard.withLock { $0.append(call.parameters) }
        call.reply()
      default: call.fail(.failed("not expected"))
      }
    }
    let outbox = ControlOutbox(path: path)
    var taken: [Int64?] = []
    try outbox.take(endpoint: "ops") { events in
      taken += events.map { OutboxEvent($0)?.sequence }
      return true
    }
    #expect(taken == [1, 2])
    try outbox.acknowledge(endpoint: "ops", sequence: 1, delivered: true, reason: nil)
    try outbox.acknowledge(endpoint: "ops", sequence: 2, delivered: false, reason: "status 410")
    let calls = heard.withLock { $0 }
    #expect(calls.map { $0["endpoint"].text } == ["ops", "ops"])
    #expect(calls.map { $0["sequence"].integer } == [1, 2])
    #expect(calls.map { $0["delivered"].bool } == [true, false])
    #expect(calls.map { $0["reason"].text } == [nil, "status 410"])
    queue.sync { server.close() }
    #expect(throws: OutboxProblem.self) {
      try outbox.acknowledge(endpoint: "ops", sequence: 3, delivered: true, reason: nil)
    }
  }

  @Test("The arguments of the program")
  func options() throws {
    let options = try NotifyOptions(["--config", "/a", "--socket=/b"])
    #expect(options.configurationFile == "/a" && options.socket == "/b")
    #expect(try NotifyOptions(["--help", "--nonsense"]).action == .help)
    let slip = #expect(throws: NotifyOptions.UsageError.self) {
      try NotifyOptions(["--sokcet"])
    }
    #expect(slip?.description == "--sokcet: unknown option; did you mean --socket?")
    #expect(throws: NotifyOptions.UsageError.self) { try NotifyOptions(["--config"]) }
  }
}
