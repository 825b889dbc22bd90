import ByteText
import Glibc
import Grants
import LinuxKit
import Scratch
import Sources
import Testing

@Suite struct LogFileTests {
  private func configuration(_ scratch: Scratch) -> LogFileConfiguration {
    var file = LogFileConfiguration(name: "vault")
    file.path = "\(scratch.path)/audit.log"
    file.match = ["/type=grant"]
    file.kind = GrantKind(rawValue: "connector:vault")
    file.subject = "user:{/who}"
    file.object = "vault:{/on/0}"
    return file
  }

  private func line(_ who: String) -> String {
    #"{"type":"grant","who":"\#(who)","on":["a/b"]}"# + "\n"
  }

  private func append(_ scratch: Scratch, _ text: String, to name: String = "audit.log") {
    guard let file = fopen("\(scratch.path)/\(name)", "a") else { return }
    fputs(text, file)
    fclose(file)
  }

  private func read(
    _ source: LogFileSource
  ) throws -> (who: [String], gaps: [String], position: String?) {
    var who: [String] = []
    var gaps: [String] = []
    while true {
      let progress = try source.process { who.append($0.subject ?? "?") }
      if let gap = progress.gap { gaps.append(gap) }
      if !progress.more { return (who, gaps, progress.position) }
    }
  }

  @Test("A file is read from its end on, whole lines only, and each once over restarts")
  func follows() throws {
    let scratch = Scratch()
    append(scratch, line("old"))
    let source = LogFileSource(configuration(scratch), after: nil)
    #expect(try read(source).who == [])
    append(scratch, line("one") + "{\"type\":\"gra")
    let first = try read(source)
    #expect(first.who == ["user:one"] && first.gaps.isEmpty)
    // A new start goes on before the line that was not whole.
    append(scratch, "nt\",\"who\":\"two\",\"on\":[\"x\"]}\n" + line("three"))
    let again = LogFileSource(configuration(scratch), after: first.position)
    #expect(try read(again).who == ["user:two", "user:three"])
    #expect(try read(again).who == [])
  }

  @Test("Renaming loses nothing: the old file is read to its end, the new one from its start")
  func renamed() throws {
    let scratch = Scratch()
    append(scratch, "")
    let source = LogFileSource(configuration(scratch), after: nil)
    _ = try read(source)
    append(scratch, line("a"))
    let before = try read(source)
    append(scratch, line("b"))
    scratch.rename("audit.log", "audit.log.1")
    append(scratch, line("c"), to: "audit.log.1")
    #expect(try read(source).who == ["user:b", "user:c"])
    append(scratch, line("d"))
    #expect(try read(source).who == ["user:d"])
    // While nobody read: found under its new name.
    let late = LogFileSource(configuration(scratch), after: before.position)
    let all = try read(late)
    #expect(all.who == ["user:b", "user:c", "user:d"] && all.gaps.isEmpty)
  }

  @Test("A file that was cut is read from its start, and what was between is a gap")
  func truncated() throws {
    let scratch = Scratch()
    append(scratch, "")
    let source = LogFileSource(configuration(scratch), after: nil)
    _ = try read(source)
    append(scratch, line("a") + line("b"))
    _ = try read(source)
    truncate("\(scratch.path)/audit.log", 0)
    append(scratch, line("c"))
    let after = try read(source)
    #expect(after.who == ["user:c"] && after.gaps.count == 1)
    scratch.remove("audit.log")
    append(scratch, line("other"))
    let lost = LogFileSource(configuration(scratch), after: after.position)
    let found = try read(lost)
    #expect(found.who == ["user:other"])
  }

  @Test("A line that is too long is passed over and counted; what is no JSON tells nothing")
  func odd() throws {
    let scratch = Scratch()
    append(scratch, "")
    let source = LogFileSource(configuration(scratch), after: nil)
    _ = try read(source)
    append(
      scratch,
      "{\"x\":\"" + String(repeating: "y", count: 1_200_000) + "\"}\nnot json\n[]\n" + line("z"))
    let told = try read(source)
    #expect(told.who == ["user:z"] && told.gaps.count == 1 && source.lost == 1)
  }

  @Test("A file that is not there is waited for; a link or a FIFO is refused")
  func missing() throws {
    let scratch = Scratch()
    let source = LogFileSource(configuration(scratch), after: nil)
    #expect(try read(source).who == [] && !source.isOpen)
    append(scratch, "")
    _ = try read(source)
    append(scratch, line("a"))
    #expect(try read(source).who == ["user:a"])
    scratch.rename("audit.log", "kept")
    scratch.symlink("kept", "audit.log")
    let other = LogFileSource(configuration(scratch), after: nil)
    #expect(throws: SystemError.self) { try other.process { _ in } }
  }

  private func event(_ verb: String, _ body: String, code: Int = 201) -> [UInt8] {
    Array(
      #"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","stage":"ResponseComplete","verb":"\#(verb)","user":{"username":"system:serviceaccount:agents:claude"},"sourceIPs":["10.0.0.7"],"userAgent":"kubectl/v1.31","objectRef":{"resource":"clusterrolebindings","name":"wide","apiGroup":"rbac.authorization.k8s.io"},"responseStatus":{"code":\#(code)},"requestReceivedTimestamp":"2026-11-22T10:00:00.123456Z","requestObject":\#(body)}"#
        .utf8)
  }

  @Test("Kubernetes: a binding gives each of its subjects a role, a deletion takes it away")
  func kubernetes() {
    let now = Timestamp(rfc3339: "2026-11-22T11:00:00Z") ?? Timestamp(microseconds: 0)
    func told(_ verb: String, _ body: String, code: Int = 201) -> [AccessSignal] {
      KubernetesAudit.signals(event(verb, body, code: code)[...], read: now)
    }
    let binding = #"""
      {"roleRef":{"kind":"ClusterRole","name":"cluster-admin"},"subjects":[
       {"kind":"User","name":"bob"},{"kind":"Group","name":"devs"},
       {"kind":"ServiceAccount","namespace":"ci","name":"runner"}]}
      """#.split(separator: "\n").joined()
    let made = told("create", binding)
    #expect(made.map(\.subject) == ["user:bob", "group:devs", "serviceaccount:ci/runner"])
    #expect(made.allSatisfy { $0.type == .grant && $0.right == "ClusterRole/cluster-admin" })
    #expect(made.first?.object == "kubernetes:clusterrolebinding/wide")
    #expect(made.first?.actorUser == "system:serviceaccount:agents:claude")
    #expect(made.first?.time == Timestamp(rfc3339: "2026-11-22T10:00:00.123456Z"))
    let changed = told("patch", binding)
    #expect(changed.map(\.type) == [.set] && changed.first?.members?.count == 3)
    #expect(told("delete", "null").map(\.type) == [.revoke])
    #expect(told("create", binding, code: 403).map(\.type) == [.denied])
    #expect(told("create", binding, code: 409).isEmpty)
    #expect(told("get", binding).isEmpty)
    #expect(told("create", "null").map(\.subject) == [nil])
  }

  @Test("Damaged events never trap")
  func mutations() {
    let whole = event("create", #"{"roleRef":{"name":"x"},"subjects":[{"name":"y"}]}"#)
    var state: UInt64 = 3
    for _ in 0..<5000 {
      var line = whole
      for _ in 0..<3 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        line[Int(state >> 33) % line.count] = UInt8(truncatingIfNeeded: state >> 20)
      }
      _ = KubernetesAudit.signals(
        line[..<(line.count - Int(state >> 50) % 200)], read: Timestamp(microseconds: 1))
    }
  }
}
