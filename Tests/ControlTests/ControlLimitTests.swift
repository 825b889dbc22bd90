import ByteText
import Control
import Dispatch
import Glibc
import LinuxKit
import Testing

@Suite struct ControlLimitTests {
  private let mebibyte = 1 << 20

  @Test("A message of 1 MiB is taken, a longer one is refused, with and without an end")
  func longMessage() throws {
    let test = try TestServer { call in call.reply() }
    let head = "{\"method\":\"io.grantwatch.List\",\"parameters\":{\"a\":\""
    let tail = "\"}}"
    func padded(to length: Int) -> String {
      head + String(repeating: "x", count: length - head.utf8.count - tail.utf8.count) + tail
    }
    let raw = try RawClient(test.path)
    try raw.send(padded(to: mebibyte) + "\0")
    #expect(raw.next() == #"{"parameters":{}}"#)
    for ending in ["\0", ""] {
      let other = try RawClient(test.path)
      try? other.send(padded(to: mebibyte + 70_000) + ending)
      #expect(other.next()?.hasPrefix(#"{"error":"io.grantwatch.Invalid""#) == true)
      #expect(other.next() == nil)
    }
    let client = try ControlClient(path: test.path)
    let long = JSON.object([JSONMember("a", .string(String(repeating: "x", count: mebibyte)))])
    #expect(throws: ControlClientError.self) { try client.call("List", long) }
    #expect(try client.call("List") == .object([]))
  }

  @Test("A client may send many calls ahead; reading stops until they are answered")
  func callsAhead() throws {
    let held = Shared<[ControlCall]>([])
    let test = try TestServer { call in held.change { [call] in $0.append(call) } }
    let path = test.path
    let padding = String(repeating: "x", count: 100_000)
    let sent = Shared(0)
    let raw = try RawClient(path)
    let number = raw.socket.raw
    _ = fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK)
    let call = Array(
      "{\"method\":\"io.grantwatch.List\",\"parameters\":{\"a\":\"\(padding)\"}}\0".utf8)
    var rest = Array(repeatElement(call, count: 40).joined())[...]
    let total = rest.count
    var idle = 0
    while !rest.isEmpty, idle < 50 {
      let count = try UnixSocket.send(rest, to: raw.socket)
      rest = rest.dropFirst(count)
      idle = count == 0 ? idle + 1 : 0
      if count == 0 { usleep(5000) }
      sent.change { $0 += count }
    }
    #expect(sent.now < total)
    #expect(sent.now > mebibyte)
    var answered = 0
    _ = eventually {
      if let count = try? UnixSocket.send(rest, to: raw.socket) { rest = rest.dropFirst(count) }
      test.queue.sync {
        for call in held.now where !call.isClosed { call.reply() }
        answered = held.now.count
      }
      return answered == 40
    }
    #expect(answered == 40)
  }

  @Test("A slow reader sees everything as long as the stream minds the backlog")
  func slowReader() throws {
    let chunk = String(repeating: "y", count: 100_000)
    let test = try TestServer { call in
      var left = 300
      func goOn() {
        while left > 0, call.backlog < ControlCall.comfortableBacklog {
          left -= 1
          call.reply(continues: left > 0) { $0.member("grants", [chunk]) }
        }
      }
      call.onDrained = goOn
      goOn()
    }
    let client = try ControlClient(path: test.path)
    var count = 0
    try client.stream("List") { reply in
      count += reply["grants"].elements[0].text?.utf8.count ?? 0
      if count % 50 == 0 { usleep(100) }
      return true
    }
    #expect(count == 300 * 100_000)
  }

  @Test("A reader who takes nothing is cut off past 16 MiB, and the call hears of it")
  func stuckReader() throws {
    let chunk = String(repeating: "y", count: 1 << 20)
    let closed = Shared(false)
    let most = Shared(0)
    let held = Shared<[ControlCall]>([])
    let test = try TestServer { call in
      held.change { [call] in $0.append(call) }
      call.onClose = { closed.change { $0 = true } }
      for _ in 0..<40 where !call.isClosed {
        call.reply(continues: true) { $0.member("events", [chunk]) }
        let backlog = call.backlog
        most.change { $0 = max($0, backlog) }
      }
    }
    let raw = try RawClient(test.path)
    try raw.send("{\"method\":\"io.grantwatch.Log\",\"more\":true}\0")
    #expect(eventually { closed.now })
    #expect(most.now <= 16 << 20)
    #expect(most.now > 14 << 20)
    #expect(eventually { test.connectionCount == 0 })
  }

  @Test("A client that leaves in the middle of a stream is noticed")
  func leaving() throws {
    let closed = Shared(0)
    let held = Shared<[ControlCall]>([])
    let test = try TestServer { call in
      held.change { [call] in $0.append(call) }
      call.onClose = { closed.change { $0 += 1 } }
      call.reply(continues: true)
    }
    do {
      let client = try ControlClient(path: test.path)
      try client.stream("Log") { _ in false }
    }
    #expect(eventually { closed.now == 1 })
    #expect(eventually { test.connectionCount == 0 })
    test.queue.sync {
      #expect(held.now[0].isClosed)
      held.now[0].reply(continues: true)
      held.now[0].fail(.failed("too late"))
    }
  }

  @Test("A client that first writes no more and then leaves is noticed too")
  func leavingInSteps() throws {
    let closed = Shared(false)
    let held = Shared<[ControlCall]>([])
    let test = try TestServer { call in
      held.change { [call] in $0.append(call) }
      call.onClose = { closed.change { $0 = true } }
    }
    do {
      let raw = try RawClient(test.path)
      try raw.send("{\"method\":\"io.grantwatch.Log\",\"more\":true}\0")
      #expect(eventually { held.now.count == 1 })
      raw.endWriting()
      usleep(50_000)
      #expect(!closed.now)
    }
    #expect(eventually { closed.now })
  }

  @Test("Bytes changed at random never stop the server")
  func randomBytes() throws {
    let test = try TestServer { call in call.reply(continues: call.wantsMore) }
    var state: UInt64 = 0x9e37_79b9_7f4a_7c15
    func random(_ below: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state % UInt64(below))
    }
    let good = Array(
      "{\"method\":\"io.grantwatch.List\",\"parameters\":{\"a\":[1,\"\\u00e4\"]},\"more\":false}\0"
        .utf8)
    for _ in 0..<400 {
      let raw = try RawClient(test.path)
      var bytes = good + good
      for _ in 0...random(6) {
        switch random(3) {
        case 0: bytes[random(bytes.count)] = UInt8(random(256))
        case 1: bytes.remove(at: random(bytes.count))
        default: bytes.insert(UInt8(random(256)), at: random(bytes.count))
        }
      }
      try? raw.send(bytes)
      raw.endWriting()
      if random(2) == 0 { while raw.next() != nil {} }
    }
    #expect(try ControlClient(path: test.path).call("List") == .object([]))
    #expect(eventually { test.connectionCount == 0 })
  }

  @Test("A client that writes no more still gets the rest of its stream")
  func halfClosed() throws {
    let held = Shared<[ControlCall]>([])
    let test = try TestServer { call in held.change { [call] in $0.append(call) } }
    let raw = try RawClient(test.path)
    try raw.send("{\"method\":\"io.grantwatch.Log\",\"more\":true}\0")
    raw.endWriting()
    #expect(eventually { held.now.count == 1 })
    test.queue.sync { held.now[0].reply(continues: true) }
    #expect(raw.next() == #"{"parameters":{},"continues":true}"#)
    test.queue.sync { held.now[0].reply() }
    #expect(raw.next() == #"{"parameters":{}}"#)
    #expect(raw.next() == nil)
  }

  @Test("Too many connections of one uid are turned away, and room comes back")
  func connections() throws {
    let test = try TestServer { call in call.reply() }
    let limit = geteuid() == 0 ? 256 : 64
    var clients: [RawClient] = []
    for _ in 0..<limit { clients.append(try RawClient(test.path)) }
    #expect(eventually { test.connectionCount == limit })
    let late = try RawClient(test.path)
    #expect(late.next()?.contains("too many connections") == true)
    #expect(late.next() == nil)
    clients.removeFirst(10)
    #expect(eventually { test.connectionCount == limit - 10 })
    let client = try ControlClient(path: test.path)
    #expect(try client.call("List") == .object([]))
  }
}
