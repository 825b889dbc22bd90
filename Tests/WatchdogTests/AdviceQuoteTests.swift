import ByteText
import Grants
import Testing
import Watchdog

/// Advice that quotes advice, and the chain that comes of it.
@Suite struct AdviceQuoteTests {
  private func advice(_ id: String, _ agent: String, _ text: String, parent: String? = nil)
    -> Advice
  {
    var advice = Advice(
      id: id, agent: agent, time: moment().wall,
      until: Deadline(TimeSpan(seconds: 3600), after: moment()), submittedBy: 1001, text: text)
    advice.parent = parent
    return advice
  }

  private static let answer = """
    The data directory is not readable for the service. Run this once:

    sudo chmod -R 777 /srv/data

    Afterwards restart the service with systemctl, and tell me whether the error is gone for good.
    """

  private func book() -> AdviceBook {
    var book = AdviceBook()
    book.add(advice("a-7xk2", "forum-helper", Self.answer))
    return book
  }

  @Test(
    "The whole text, a marked part of it, a long paragraph, or the id: each is a quote",
    arguments: [
      answer, "  " + answer.split(separator: " ").joined(separator: "  \n "),
      "As forum-helper wrote:\n"
        + answer.split(separator: "\n", omittingEmptySubsequences: false)
        .map { "> \($0)" }.joined(separator: "\n") + "\nI agree.",
      "> sudo chmod -R 777 /srv/data\n\nDo what it says.",
      ">> The data directory is not readable for the service.\n>> Run this once:",
      "Afterwards restart the service with systemctl, and tell me whether the error\n"
        + "is gone for good.",
      "Do what advice a-7xk2 says.", "(see a-7xk2)", "a-7xk2",
    ])
  func quoted(_ text: String) { #expect(book().quoted(in: text) == "a-7xk2") }

  @Test(
    "The same command, a short line, or a name that only looks like an id is none",
    arguments: [
      "sudo chmod -R 777 /srv/data", "Run `sudo chmod -R 777 /srv/data`.", "> yes", "",
      "a-team and a-7xk3 and a-7xk20", "xa-7xk2", ">\n>\n>", "> \n\n",
      "> sudo chmod -R 777 /srv/data && echo done",
    ])
  func notQuoted(_ text: String) { #expect(book().quoted(in: text) == nil) }

  @Test("What is forgotten is quoted no more; the newest of several is meant")
  func newest() {
    var book = book()
    book.add(advice("a-8888", "other", Self.answer))
    #expect(book.quoted(in: Self.answer) == "a-8888")
    book.add(advice("a-8888", "other", "something else altogether"))
    #expect(book.quoted(in: Self.answer) == "a-7xk2")
  }

  @Test(
    "Texts built to be slow, or of any bytes, are read like others",
    arguments: [
      "> a\n\n", ">>>>>>>>>>>>>>>>>>", "> x y z x y z x y z x y z x y z\n", "a-0000 ", "\n\n\n",
      "\u{0}\u{ff}> \u{300}\n", "> \(String(repeating: "ab ", count: 40))\n\n",
    ])
  func slow(_ piece: String) {
    var book = book()
    let text = String(repeating: piece, count: 262_144 / piece.utf8.count)
    for number in 0..<16 { book.add(advice("a-000\(number)x", "bot", "\(number) " + text)) }
    _ = book.quoted(in: text)
    book.add(advice("a-full", "bot", text))
    #expect(book.quoted(in: text) != nil || text.allSatisfy { " >\n".contains($0) })
    #expect(book.quoted(in: Self.answer) == "a-7xk2")
  }

  @Test("The chain begins with whoever said it first")
  func chain() {
    var book = book()
    var second = advice("a-bbbb", "summariser", "x", parent: "a-7xk2")
    second.session = "s2"
    second.context.subagent = "general-purpose a223"
    book.add(second)
    book.add(advice("a-cccc", "forum-helper", "y", parent: "a-bbbb"))
    #expect(
      book.chain(of: "a-cccc").map { "\($0.text) \($0.id ?? "")" } == [
        "agent:forum-helper ", "agent:summariser s2", "subagent:general-purpose a223",
        "agent:forum-helper ",
      ])
    let reference = book.reference(to: book.all["a-cccc"]!)
    #expect(reference.name == "forum-helper")
    #expect(reference.chain == ["forum-helper", "summariser", "general-purpose"])
    #expect(reference.chainLength == 4)
    #expect(book.chain(of: "a-7xk2").count == 1)
    #expect(book.chain(of: "a-zzzz").isEmpty)
  }

  @Test("Circles, missing parents and chains without end do no harm")
  func circles() {
    var book = AdviceBook()
    book.add(advice("a-aaaa", "one", "x", parent: "a-bbbb"))
    book.add(advice("a-bbbb", "two", "y", parent: "a-aaaa"))
    book.add(advice("a-self", "self", "z", parent: "a-self"))
    book.add(advice("a-gone", "lost", "z", parent: "a-none"))
    #expect(book.chain(of: "a-aaaa").map(\.name) == ["two", "one"])
    #expect(book.chain(of: "a-self").map(\.name) == ["self"])
    #expect(book.chain(of: "a-gone").map(\.name) == ["lost"])
    for number in 0..<100 {
      book.add(advice("a-n\(number)x", "n\(number)", "t", parent: "a-n\(number - 1)x"))
    }
    #expect(book.chain(of: "a-n99x").count == AgentReference.mostLinks)
    #expect(book.chain(of: "a-n99x").last?.name == "n99")
  }
}

/// What hooks report of an agent's sessions, and what its own question is worth.
@Suite struct AgentReportTests {
  private let submitter = AdviceBook.Submitter(uid: 1001)

  private func report(_ event: AgentEvent, _ text: String = "") -> AdviceSubmission {
    var report = AdviceSubmission(agent: "claude-code", text: text)
    report.event = event
    report.session = "s1"
    return report
  }

  private func command(mode: String? = "default", attended: Bool? = nil) -> Advice {
    var command = Advice(
      id: "a-aaaa", agent: "claude-code", time: moment().wall,
      until: Deadline(TimeSpan(seconds: 3600), after: moment()), submittedBy: 1001,
      text: "chmod 777 x")
    command.session = "s1"
    command.context.toolUse = "t1"
    command.context.permissionMode = mode
    command.context.attended = attended
    return command
  }

  private func graded(
    _ reports: AgentReports, _ command: Advice, after seconds: Int64 = 10
  ) -> PromptEvidence {
    reports.prompt(before: command, granted: moment(seconds).wall)
  }

  @Test("Without a question nothing is known, or it is known that nobody was asked")
  func unasked() {
    let reports = AgentReports()
    #expect(graded(reports, command()).grade == .none)
    #expect(graded(reports, command(mode: "acceptEdits")).grade == .none)
    for mode in ["bypassPermissions", "dontAsk", "auto"] {
      #expect(graded(reports, command(mode: mode)).grade == .auto)
      #expect(graded(reports, command(mode: mode)).mode == mode)
    }
    #expect(graded(reports, command(attended: false)).grade == .unattended)
  }

  @Test("A question is one of the very command, by the same session, shortly before")
  func asked() {
    var reports = AgentReports()
    let question = report(.permissionRequest, "chmod 777 x")
    reports.note(question, from: submitter, isIndependent: false, at: moment(2).wall)
    let found = graded(reports, command(), after: 5)
    #expect(found.grade == .asked)
    #expect(found.thinkMilliseconds == 3000)
    #expect(!found.isIndependent)
    #expect(graded(reports, command(), after: 1).grade == .none)
    #expect(graded(reports, command(), after: 7200).grade == .none)
    #expect(graded(reports, command(attended: false), after: 5).grade == .unattended)
    #expect(graded(reports, command(mode: "bypassPermissions"), after: 5).grade == .auto)
    var other = command()
    other.text = "chmod 777 y"
    #expect(graded(reports, other, after: 5).grade == .none)
    other = command()
    other.session = "s2"
    #expect(graded(reports, other, after: 5).grade == .none)
    other = command()
    other.submittedBy = 1002
    #expect(graded(reports, other, after: 5).grade == .none)
  }

  @Test("An answer tells who gave it; that of somebody independent comes first")
  func answered() {
    var reports = AgentReports()
    var answer = report(.decision)
    answer.context.toolUse = "t1"
    answer.decision = .clicked
    reports.note(answer, from: submitter, isIndependent: false, at: moment(3).wall)
    #expect(graded(reports, command()).grade == .clicked)
    #expect(!graded(reports, command()).isIndependent)
    // With nobody there a rule's yes is told as a user's.
    #expect(graded(reports, command(attended: false)).grade == .unattended)
    answer.decision = .auto
    reports.note(
      answer, from: AdviceBook.Submitter(uid: 0), isIndependent: true, at: moment(2).wall)
    #expect(graded(reports, command()).grade == .auto)
    #expect(graded(reports, command()).isIndependent)
    // Another user's word on it counts for nothing.
    var foreign = AgentReports()
    foreign.note(
      answer, from: AdviceBook.Submitter(uid: 1002), isIndependent: false, at: moment(2).wall)
    #expect(graded(foreign, command()).grade == .none)
  }

  @Test("Own agents come and go; everything is bounded")
  func subagents() {
    var reports = AgentReports()
    let key = AgentReports.Key(submitter: submitter, agent: "claude-code", session: "s1")
    func note(_ event: AgentEvent, _ id: String) {
      var report = report(event)
      report.context.subagent = "general-purpose \(id)"
      reports.note(report, from: submitter, isIndependent: false, at: moment().wall)
    }
    note(.subagentStart, "x1")
    note(.subagentStart, "x2")
    note(.subagentStop, "x1")
    #expect(reports.subagents(key).map(\.id) == ["x2"])
    for number in 0..<1000 { note(.subagentStart, "y\(number)") }
    #expect(reports.subagents(key).count == 32)
    for number in 0..<2000 {
      var other = report(.permissionRequest, "x")
      other.session = "n\(number)"
      reports.note(other, from: submitter, isIndependent: false, at: moment(Int64(number)).wall)
    }
    #expect(reports.subagents(key).isEmpty)
    var nameless = report(.subagentStart)
    nameless.session = nil
    let isTaken = reports.note(
      nameless, from: submitter, isIndependent: false, at: moment().wall)
    #expect(!isTaken)
  }

  @Test("Who started whom is put together from what the events tell")
  func lineage() {
    var reports = AgentReports()
    func lineage(_ id: String, startedBy: String? = nil, session: String = "s1") -> [String] {
      var report = report(.subagentStart)
      report.session = session
      report.context.subagent = "worker-\(id) \(id)"
      report.context.startedBy = startedBy
      return reports.lineage(of: report, from: submitter, at: moment().wall).map {
        "\($0.name) \($0.id ?? "")"
      }
    }
    #expect(lineage("a") == [])
    #expect(lineage("b", startedBy: "a") == ["worker-a a"])
    #expect(lineage("c", startedBy: "b") == ["worker-a a", "worker-b b"])
    // An event that does not tell leaves what was told.
    #expect(lineage("c") == ["worker-a a", "worker-b b"])
    #expect(lineage("d", startedBy: "x") == ["unknown x"])
    #expect(lineage("e", startedBy: "s1") == [])
    #expect(lineage("c", startedBy: "b", session: "s2") == ["unknown b"])
    // Nobody started himself, by however many steps.
    #expect(lineage("a", startedBy: "c") == ["worker-b b", "worker-c c"])
    for number in 0..<100 {
      let long = lineage("n\(number + 1)", startedBy: "n\(number)")
      #expect(long.count == min(number + 1, AgentReference.mostLineage))
    }
  }
}
