import ByteText
import Control
import Dispatch
import Glibc
import LinuxKit
import Testing

@Suite struct ControlServerTests {
  private func echo(_ call: ControlCall) {
    call.reply {
      $0.key("status")
      $0.value(call.parameters)
    }
  }

  @Test("A call reaches the handler with its parameters and the peer's credentials")
  func call() throws {
    let test = try TestServer { call in
      call.reply { writer in
        writer.key("status")
        writer.beginObject()
        writer.member("method", call.method)
        writer.member("pid", Int64(call.peer.pid))
        writer.member("uid", Int64(call.peer.uid))
        writer.member("word", call.parameters["word"].text)
        writer.member("more", call.wantsMore)
        writer.endObject()
      }
    }
    let client = try ControlClient(path: test.path)
    let reply = try client.call("GetStatus", .object([JSONMember("word", .string("a\0b"))]))
    let status = reply["status"]
    #expect(status["method"] == .string("GetStatus"))
    #expect(status["pid"].integer == Int64(getpid()))
    #expect(status["uid"].integer == Int64(geteuid()))
    #expect(status["word"] == .string("a\0b"))
    #expect(status["more"] == .bool(false))
  }

  @Test("A stream ends with the reply that does not continue; raw parts are as they came")
  func stream() throws {
    let test = try TestServer { call in
      for index in 0..<3 {
        call.reply(continues: index < 2) { writer in
          writer.key("grants")
          writer.raw(Array("[{\"id\": \"g-\(index)\",\"a\":[1,{\"b\":\"],}\\\"\"}]}, 1.50]".utf8))
        }
      }
    }
    let client = try ControlClient(path: test.path)
    var texts: [String] = []
    try client.replies(to: "List") { reply throws(ControlClientError) in
      texts += try reply.elements(of: "grants").map { String(decoding: $0, as: UTF8.self) }
      return true
    }
    #expect(texts.count == 6)
    #expect(texts[2] == #"{"id": "g-1","a":[1,{"b":"],}\""}]}"#)
    #expect(texts[3] == "1.50")
    var ids: [JSON] = []
    try client.stream("List") {
      ids.append($0["grants"].elements[0]["id"])
      return true
    }
    #expect(ids == [.string("g-0"), .string("g-1"), .string("g-2")])
  }

  @Test("Many replies to a client that asked for one are an error")
  func expectedMore() throws {
    let test = try TestServer { call in
      call.reply(continues: true)
      call.reply()
      #expect(call.isClosed)
    }
    let client = try ControlClient(path: test.path)
    #expect(
      throws: ControlClientError.foreign(
        name: "org.varlink.service.ExpectedMore", parameters: "{}")
    ) { try client.call("List") }
  }

  @Test("Errors of the interface arrive as they were given")
  func errors() throws {
    let given: [ControlError] = [
      .notFound(id: "g-1", matches: ["g-12", "g-13"]), .permissionDenied("not you"),
      .invalid("no id"), .failed("disk full"),
    ]
    let test = try TestServer { call in
      call.fail(given[Int(call.parameters["which"].integer ?? 0)])
    }
    let client = try ControlClient(path: test.path)
    for (index, error) in given.enumerated() {
      #expect(throws: ControlClientError.refused(error)) {
        try client.call("Show", .object([JSONMember("which", .integer(Int64(index)))]))
      }
    }
  }

  @Test("The service describes itself, and every method of the description is taken")
  func introspection() throws {
    let test = try TestServer(echo)
    let raw = try RawClient(test.path)
    try raw.send("{\"method\":\"org.varlink.service.GetInfo\"}\0")
    let info = try JSON.parse(Array((raw.next() ?? "").utf8))["parameters"]
    #expect(
      info["interfaces"].elements == [
        .string("org.varlink.service"), .string("io.grantwatch"),
        .string("io.grantwatch.Connector"),
      ])
    try raw.send(
      """
      {"method":"org.varlink.service.GetInterfaceDescription",\
      "parameters":{"interface":"io.grantwatch"}}\0
      """)
    let text = try JSON.parse(Array((raw.next() ?? "").utf8))["parameters"]["description"].text
    #expect(text == interfaceDescription)
    let methods = [
      "GetStatus", "Diagnose", "List", "Show", "Explain", "Approve", "Extend", "Revoke", "Restore",
      "AddAdvice",
      "ListAdvice",
      "ShowAdvice", "ListAgents", "CheckAgent", "Log", "Verify", "TakeOutbox", "Acknowledge",
      "GetDeadLetters",
    ]
    #expect(interfaceMethods[interfaceName] == Set(methods))
    for method in methods {
      try raw.send("{\"method\":\"io.grantwatch.\(method)\"}\0")
      #expect(raw.next() == #"{"parameters":{"status":{}}}"#)
    }
  }

  @Test("Connectors have an interface of their own, with errors of its own")
  func connectorInterface() throws {
    let test = try TestServer { call in
      if call.method == "Report" { return call.fail(.tooLarge(call.interface)) }
      call.reply()
    }
    let raw = try RawClient(test.path)
    try raw.send(
      "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
        + "\"parameters\":{\"interface\":\"io.grantwatch.Connector\"}}\0")
    let text = try JSON.parse(Array((raw.next() ?? "").utf8))["parameters"]["description"].text
    #expect(text == connectorInterfaceDescription)
    #expect(
      interfaceMethods[connectorInterfaceName] == [
        "GetLimits", "Report", "Unchanged", "TakeRevocations", "Revoked", "AskForReport", "List",
      ])
    try raw.send("{\"method\":\"io.grantwatch.Connector.Report\"}\0")
    #expect(
      raw.next()
        == #"{"error":"io.grantwatch.Connector.TooLarge","parameters":{"reason":"io.grantwatch.Connector"}}"#
    )
    try raw.send("{\"method\":\"io.grantwatch.Connector.Approve\"}\0")
    #expect(raw.next()?.contains("MethodNotFound") == true)
    let client = try ControlClient(path: test.path)
    #expect(throws: ControlClientError.refused(.tooLarge("io.grantwatch.Connector"))) {
      try client.call("Connector.Report")
    }
  }

  @Test(
    "What is not known is answered with an error of org.varlink.service",
    arguments: [
      (#"{"method":"io.grantwatch.Nothing"}"#, "org.varlink.service.MethodNotFound"),
      (#"{"method":"org.varlink.service.Nothing"}"#, "org.varlink.service.MethodNotFound"),
      (#"{"method":"io.elsewhere.List"}"#, "org.varlink.service.InterfaceNotFound"),
      (#"{"method":"List"}"#, "org.varlink.service.MethodNotFound"),
      (#"{"method":""}"#, "org.varlink.service.MethodNotFound"),
      (#"{"method":"io.grantwatch.List","parameters":[]}"#, "io.grantwatch.Invalid"),
      (
        #"{"method":"io.grantwatch.List","upgrade":true}"#, "org.varlink.service.InvalidParameter"
      ),
    ])
  func unknown(message: String, error: String) throws {
    let test = try TestServer(echo)
    let raw = try RawClient(test.path)
    try raw.send(message + "\0")
    #expect(try JSON.parse(Array((raw.next() ?? "").utf8))["error"].text == error)
    try raw.send("{\"method\":\"io.grantwatch.List\"}\0")
    #expect(raw.next() == #"{"parameters":{"status":{}}}"#)
  }

  @Test(
    "Garbage is answered with an error and the connection is closed",
    arguments: [
      "garbage", "", "{", "[]", "{\"method\":7}", "{\"method\":\"\u{1}\"}", "null", "[ many",
    ])
  func garbage(message: String) throws {
    let message = message == "[ many" ? String(repeating: "[", count: 100_000) : message
    let test = try TestServer(echo)
    let raw = try RawClient(test.path)
    try raw.send(message + "\0")
    let answer = try JSON.parse(Array((raw.next() ?? "").utf8))
    #expect(answer["error"].text == "io.grantwatch.Invalid")
    #expect(raw.next() == nil)
    #expect(eventually { test.connectionCount == 0 })
  }

  @Test("A message that comes in pieces is one call; one cut off is none")
  func pieces() throws {
    let calls = Shared(0)
    let test = try TestServer { call in
      calls.change { $0 += 1 }
      call.reply()
    }
    let raw = try RawClient(test.path)
    for byte in Array("{\"method\":\"io.grantwatch.Verify\"}\0".utf8) { try raw.send([byte]) }
    #expect(raw.next() == #"{"parameters":{}}"#)
    try raw.send("{\"method\":\"io.grantwatch.Ver")
    raw.endWriting()
    #expect(raw.next() == nil)
    #expect(calls.now == 1)
  }

  @Test("Pipelined calls are answered in order, one at a time, without deep recursion")
  func pipelined() throws {
    let underWay = Shared(0)
    let queue = DispatchQueue(label: "pipelined")
    let test = try TestServer(on: queue) { call in
      underWay.change { $0 += 1 }
      #expect(underWay.now == 1)
      let number = call.parameters["n"].integer ?? -1
      let answer: @Sendable () -> Void = {
        underWay.change { $0 -= 1 }
        call.reply { $0.member("n", number) }
      }
      if number % 1000 == 7 { queue.async(execute: answer) } else { answer() }
    }
    let raw = try RawClient(test.path)
    let count = 5000
    var calls = ""
    for number in 0..<count {
      calls += "{\"method\":\"io.grantwatch.Verify\",\"parameters\":{\"n\":\(number)}}\0"
    }
    try raw.send(calls)
    raw.endWriting()
    for number in 0..<count {
      let answer = raw.next()
      #expect(answer == "{\"parameters\":{\"n\":\(number)}}")
      if answer == nil { break }
    }
    #expect(raw.next() == nil)
  }

  @Test("A oneway call gets no reply")
  func oneway() throws {
    let test = try TestServer(echo)
    let raw = try RawClient(test.path)
    try raw.send("{\"method\":\"io.grantwatch.List\",\"oneway\":true}\0")
    try raw.send("{\"method\":\"io.grantwatch.Nothing\",\"oneway\":true}\0")
    try raw.send("{\"method\":\"io.grantwatch.Show\",\"parameters\":{\"ids\":[]}}\0")
    #expect(raw.next() == #"{"parameters":{"status":{"ids":[]}}}"#)
  }

  @Test("A call that nobody answers is answered with an error")
  func abandoned() throws {
    let test = try TestServer { _ in }
    let client = try ControlClient(path: test.path)
    #expect(throws: ControlClientError.refused(.failed("no answer was given"))) {
      try client.call("List")
    }
  }

  @Test("Closing the server ends the clients' calls and takes the socket away")
  func closing() throws {
    let held = Shared<[ControlCall]>([])
    let closed = Shared(0)
    let test = try TestServer { call in
      call.onClose = { closed.change { $0 += 1 } }
      held.change { [call] in $0.append(call) }
    }
    let raw = try RawClient(test.path)
    try raw.send("{\"method\":\"io.grantwatch.Log\",\"more\":true}\0")
    #expect(eventually { held.now.count == 1 })
    test.queue.sync { test.server.close() }
    #expect(raw.next() == nil)
    #expect(eventually { closed.now == 1 })
    #expect(access(test.path, F_OK) != 0)
    test.queue.sync { held.now[0].reply() }
    test.queue.sync { #expect(held.now[0].isClosed) }
  }
}
