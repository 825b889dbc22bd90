import ByteText
import Grants
import Kinds
import LinuxKit
import Scratch
import Testing
import Watchdog

@Suite struct NamingTests {
  @Test(arguments: [
    ("/srv/a", "/srv/b", "/srv"), ("/srv/a", "/srv/a", "/srv/a"),
    ("/srv/data", "/srv/data/x", "/srv/data"), ("/srv/data/x", "/srv/data", "/srv/data"),
    ("/srv/data1", "/srv/data2", "/srv"), ("/srv/data", "/srv/data2", "/srv"),
    ("/srv/a", "/etc/b", "/"), ("/", "/srv", "/"), ("/srv", "/", "/"),
    ("/srv/a/b/c", "/srv/a/d/c", "/srv/a"), ("/srv/a\\x0ab", "/srv/a\\x0ac", "/srv"),
  ])
  func theCommonRootIsTheDeepestFolder(_ left: String, _ right: String, _ root: String) {
    #expect(commonRoot("file:" + left, "file:" + right) == "file:" + root)
  }

  @Test func modesAreFourOctalDigits() {
    #expect(octal(0) == "0000")
    #expect(octal(0o644) == "0644")
    #expect(octal(0o4755) == "4755")
    for bits in UInt16(0)...0o7777 { #expect(mode(octal(bits)) == bits) }
    #expect(mode("absent") == nil)
  }

  @Test func messageIDsAreFixed() {
    // systemd/grantwatch.catalog has them.
    let id = JournalCatalog.messageID(of: "grant.detected")
    #expect(id == "d6e188e98964b6cbf1ee20f8d4ff2906")
    #expect(id != JournalCatalog.messageID(of: "grant.revoked"))
  }
}

@Suite struct GrantFilterTests {
  private func filter(_ text: String) throws -> GrantFilter? {
    GrantFilter(try JSON.parse(Array(text.utf8)))
  }

  private let grant: Grant = {
    var grant = memberGrant("g-aaaaaa", "bob", "docker")
    grant.provenance = .agentExecuted
    grant.agent = AgentReference(name: "codex", chain: ["claude-code", "codex"])
    return grant
  }()

  @Test(arguments: [
    "{}", "null", #"{"states":["active","ended"]}"#, #"{"states":[]}"#,
    #"{"provenance":["agent-executed"]}"#, #"{"kind":["group-*"]}"#, #"{"subject":"user:b*"}"#,
    #"{"object":"group:docker"}"#, #"{"agent":"claude-*"}"#, #"{"agent":"codex"}"#,
    #"{"incident":"i-bbbb"}"#, #"{"since":"2023-11-14T22:13:20Z"}"#,
    #"{"until":"2023-11-14T22:13:20Z"}"#, #"{"standing":false}"#,
  ])
  func matching(_ text: String) throws {
    #expect(try filter(text)?.matches(grant) == true)
  }

  @Test(arguments: [
    #"{"states":["ended"]}"#, #"{"provenance":["human"]}"#, #"{"kind":["file-mode"]}"#,
    #"{"subject":"bob"}"#, #"{"object":"group:disk"}"#, #"{"agent":"aider"}"#,
    #"{"incident":"i-aaaa"}"#, #"{"since":"2023-11-14T22:13:21Z"}"#,
    #"{"until":"2023-11-14T22:13:19Z"}"#,
  ])
  func notMatching(_ text: String) throws {
    #expect(try filter(text)?.matches(grant) == false)
  }

  @Test(arguments: [
    #"{"states":["alive"]}"#, #"{"provenance":["alien"]}"#, #"{"since":"yesterday"}"#,
    #"{"until":"1"}"#,
  ])
  func notUnderstood(_ text: String) throws { #expect(try filter(text) == nil) }
}

extension GrantFilterTests {
  @Test func standingIsWhatExistsWithoutAnEnd() throws {
    let filter = try #require(GrantFilter(try JSON.parse(Array(#"{"standing":true}"#.utf8))))
    var grant = memberGrant("g-aaaaaa", "bob", "docker")
    #expect(filter.matches(grant))
    grant.deadline = Deadline(TimeSpan(seconds: 60), after: moment())
    #expect(!filter.matches(grant))
    grant.deadline = nil
    grant.state = .ended
    #expect(!filter.matches(grant))
    grant.state = .active
    grant.standing = true
    #expect(filter.matches(grant))
  }
}

@Suite struct ProblemsTests {
  @Test func eachKindStandsOnceInItsOrder() {
    var problems = Problems()
    #expect(!problems.isDegraded && problems.all.isEmpty)
    #expect(problems.set(.journal, "a") == true)
    #expect(problems.set(.journal, "a") == false)
    #expect(problems.set(.tree("/srv"), "b") == true)
    #expect(problems.set(.journal, "c") == true)
    #expect(problems.all == ["c", "b"])
    problems.clear(.journal)
    problems.clear(.journal)
    #expect(problems.all == ["b"])
    #expect(problems.has(.tree("/srv")) && !problems.has(.tree("/etc")))
  }

  @Test func notesOnTheConfigurationDoNotDegrade() {
    var problems = Problems()
    for kind in [Problems.Kind.noWebhook, .configuration, .notifier, .tree("/srv")] {
      problems.set(kind, "x")
    }
    #expect(!problems.isDegraded && !problems.ledgerStuck)
    problems.set(.diskFull, "x")
    #expect(problems.isDegraded && problems.ledgerStuck)
  }
}

@Suite struct AdviceBookTests {
  private func advice(_ id: String) -> Advice {
    Advice(
      id: id, agent: "helper", time: moment().wall,
      until: Deadline(TimeSpan(seconds: 60), after: moment()), submittedBy: 1001, text: "text")
  }

  @Test func oneUidMayNotFloodTheBook() {
    var book = AdviceBook()
    for _ in 0..<AdviceBook.perMinute {
      #expect(book.mayAdd(.init(uid: 1001), at: 1000) == true)
      #expect(book.mayAdd(.init(uid: 0), at: 1000) == true)
    }
    #expect(book.mayAdd(.init(uid: 1001), at: 60_000_999) == false)
    #expect(book.mayAdd(.init(uid: 1002), at: 1000) == true)
    #expect(book.mayAdd(.init(uid: 0), at: 1000) == true)
    #expect(book.mayAdd(.init(uid: 1001), at: 60_001_000) == true)
  }

  @Test func adviceIsFoundByItsBeginning() {
    var book = AdviceBook()
    for id in ["a-ab12", "a-ab34"] { book.add(advice(id)) }
    book.add(advice("a-ab12"))
    #expect(book.order == ["a-ab12", "a-ab34"])
    #expect(book.ids(beginningWith: "a-ab1") == ["a-ab12"])
    #expect(book.ids(beginningWith: "a-ab").count == 2)
    #expect(book.ids(beginningWith: "a-").isEmpty)
    book.change("a-ab12") { $0.matched = ["g-1"] }
    #expect(book.all["a-ab12"]?.matched == ["g-1"])
  }
}

@Suite struct GroupStateFileTests {
  private let state = GroupState(
    memberships: [
      Membership(user: "bob", group: "docker", primary: false),
      Membership(user: "b\\x0ab", group: "bob", primary: true),
    ], groups: ["docker": 999, "bob": 1001, "top": .max],
    users: [
      "bob": GroupState.Account(uid: 1001, gid: 1001),
      "root": GroupState.Account(uid: 0, gid: .max),
    ])

  @Test func whatWasSavedIsLoaded() throws {
    let scratch = Scratch()
    let path = "\(scratch.path)/groups.json"
    try GroupStateFile.save(state, to: path)
    #expect(GroupStateFile.load(path) == state)
    #expect(scratch.mode("groups.json") == 0o600)
  }

  @Test func damagedFilesAreNotTrusted() throws {
    let scratch = Scratch()
    let path = "\(scratch.path)/groups.json"
    #expect(GroupStateFile.load(path) == nil)
    try GroupStateFile.save(state, to: path)
    let whole = try SmallFile.read(path)
    for end in 0..<whole.count {
      try SmallFile.replace(path, with: Array(whole[..<end]))
      #expect(GroupStateFile.load(path) == nil, "cut at \(end)")
    }
    for text in ["null", "[]", "{}", #"{"groups":{"a":-1},"users":{"a":[1]},"memberships":[1]}"#] {
      try SmallFile.replace(path, with: Array(text.utf8))
      #expect(GroupStateFile.load(path) == nil, "\(text)")
    }
  }
}

@Suite struct UnprovenSignalsTests {
  @Test("Of one uid so many a minute are kept, refusals count more, and the rest is counted")
  func limits() {
    var signals = UnprovenSignals()
    var kept = 0
    for _ in 0..<100 where signals.admits(uid: 7, at: 1) { kept += 1 }
    #expect(kept == UnprovenSignals.perMinute)
    kept = 0
    for _ in 0..<100 where signals.admits(uid: 8, at: 1, places: 6) { kept += 1 }
    #expect(kept == 10)
    let suppressed = signals.takeSuppressed(at: 2)
    #expect(suppressed.map(\.uid) == [7, 8] && suppressed.map(\.count) == [40, 90])
    let again = signals.takeSuppressed(at: 3)
    #expect(again.isEmpty)
    let isOpenAgain = signals.admits(uid: 7, at: 61_000_002)
    #expect(isOpenAgain)
  }
}
