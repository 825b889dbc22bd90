import ByteText
import LinuxKit
import Scratch
import Testing

/// Law 3 for entries: several grants on one thing, by several causes, ended in either order.
extension EngineLiveTests {
  /// Who gives; `approved` is an agent whose grant somebody approves.
  enum Cause: String, Sendable { case agent, human, approved }

  /// Two causes, and whose grant ends first.
  struct Pair: CustomTestStringConvertible, Sendable {
    var first: Cause
    var second: Cause
    var firstEndsFirst: Bool

    var testDescription: String {
      "\(first.rawValue), then \(second.rawValue), the \(firstEndsFirst ? "first" : "second") ends"
    }

    static let all: [Pair] = [
      (.agent, .agent), (.agent, .human), (.human, .agent), (.agent, .approved),
      (.approved, .agent), (.human, .approved), (.approved, .human),
    ].flatMap { first, second in
      [true, false].map { Pair(first: first, second: second, firstEndsFirst: $0) }
    }
  }

  /// Two acts on one thing of the tree.
  struct EntryOverlap: CustomTestStringConvertible, Sendable {
    var kind: String
    var first: String
    var second: String
    /// The second stands in the place of the first.
    var replaces: Bool
    /// Prints what the tree gives.
    var look: String
    var plain: String
    var withFirst: String
    var withSecond: String
    var withBoth: String
    /// Somebody's narrowing of what the second gave, or a change that gives nothing.
    var narrowing: String
    /// Somebody's removal of both.
    var removal = ""

    var testDescription: String { "\(kind), \(replaces ? "replaced" : "beside each other")" }
  }

  private static let keys = "$S/root/home/bob/.ssh/authorized_keys"
  private static let otherKey =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIw4Lx2sVpHy7Pt0aTK8Bv2Hl4H9Kdz1nJWqZb0dCpEu other"

  /// As visudo does: whole, or not at all.
  private static func rewriting(_ name: String, _ change: String) -> String {
    "cd $S; sed '\(change)' root/etc/sudoers.d/\(name) >new; chmod 440 new;"
      + " mv new root/etc/sudoers.d/\(name)"
  }

  static let entryOverlaps: [EntryOverlap] = [
    EntryOverlap(
      kind: "sudo-rule", first: "echo 'eve ALL=(ALL) /bin/ls' >>$S/root/etc/sudoers.d/x",
      second: rewriting("x", "s,^eve.*,eve ALL=(ALL) NOPASSWD: ALL,"),
      replaces: true, look: "cat $S/root/etc/sudoers.d/x", plain: "# kept\n",
      withFirst: "# kept\neve ALL=(ALL) /bin/ls\n",
      withSecond: "# kept\neve ALL=(ALL) NOPASSWD: ALL\n",
      withBoth: "# kept\neve ALL=(ALL) NOPASSWD: ALL\n",
      narrowing: rewriting("x", "s,^eve.*,eve ALL=(ALL) NOPASSWD: /bin/id,"),
      removal: rewriting("x", "/^eve/d")),
    EntryOverlap(
      kind: "sudo-rule", first: "echo 'eve ALL=(ALL) ALL' >>$S/root/etc/sudoers.d/x",
      second: "(umask 337; echo 'eve ALL=(ALL) ALL' >$S/root/etc/sudoers.d/y)", replaces: false,
      look: "cd $S/root/etc/sudoers.d; for f in x y; do echo $f; grep -s ^eve $f; done; true",
      plain: "x\ny\n", withFirst: "x\neve ALL=(ALL) ALL\ny\n",
      withSecond: "x\ny\neve ALL=(ALL) ALL\n",
      withBoth: "x\neve ALL=(ALL) ALL\ny\neve ALL=(ALL) ALL\n",
      narrowing: rewriting("y", "s,) ALL,) /bin/id,")),
    EntryOverlap(
      kind: "ssh-key", first: "echo 'no-pty,no-x11-forwarding \(key)' >>\(keys)",
      second: "sed -i 's/^no-pty[^ ]* //' \(keys)", replaces: true, look: "cat \(keys)",
      plain: "# kept\n", withFirst: "# kept\nno-pty,no-x11-forwarding \(key)\n",
      withSecond: "# kept\n\(key)\n", withBoth: "# kept\n\(key)\n",
      narrowing: "sed -i 's/^ssh/restrict ssh/' \(keys)", removal: "sed -i '/eve/d' \(keys)"),
    EntryOverlap(
      kind: "ssh-key", first: "echo '\(key)' >>\(keys)", second: "echo '\(otherKey)' >>\(keys)",
      replaces: false, look: "cat \(keys)", plain: "# kept\n", withFirst: "# kept\n\(key)\n",
      withSecond: "# kept\n\(otherKey)\n", withBoth: "# kept\n\(key)\n\(otherKey)\n",
      narrowing: "sed -i 's/^ssh\\(.*other\\)/restrict ssh\\1/' \(keys)"),
    EntryOverlap(
      kind: "polkit-rule", first: "printf '// A\\n\(rule)' >$S/root/etc/polkit-1/rules.d/9.rules",
      second: "printf '\(rule)\(rule)' >$S/root/etc/polkit-1/rules.d/9.rules", replaces: true,
      look: "cat $S/root/etc/polkit-1/rules.d/9.rules 2>&- | cut -c 1-11", plain: "",
      withFirst: "// A\npolkit.addR\n", withSecond: "polkit.addR\npolkit.addR\n",
      withBoth: "polkit.addR\npolkit.addR\n",
      narrowing: "echo '// seen' >>$S/root/etc/polkit-1/rules.d/9.rules",
      removal: "rm $S/root/etc/polkit-1/rules.d/9.rules"),
    EntryOverlap(
      kind: "polkit-rule", first: "printf '\(rule)' >$S/root/etc/polkit-1/rules.d/8.rules",
      second: "printf '\(rule)' >$S/root/etc/polkit-1/rules.d/9.rules", replaces: false,
      look: "ls $S/root/etc/polkit-1/rules.d", plain: "", withFirst: "8.rules\n",
      withSecond: "9.rules\n", withBoth: "8.rules\n9.rules\n",
      narrowing: "echo '// seen' >>$S/root/etc/polkit-1/rules.d/9.rules"),
    EntryOverlap(
      kind: "account", first: "usermod --prefix $S/root -s /bin/bash nobody",
      second: "usermod --prefix $S/root -o -u 0 nobody", replaces: false,
      look: "grep ^nobody $S/root/etc/passwd | cut -d: -f 3,7", plain: "65534:/usr/sbin/nologin\n",
      withFirst: "65534:/bin/bash\n", withSecond: "0:/usr/sbin/nologin\n",
      withBoth: "0:/bin/bash\n", narrowing: "usermod --prefix $S/root -o -u 65534 nobody"),
  ]

  /// A stage on which the acts are played, one after another.
  private final class Play {
    let stage: Stage
    let overlap: EntryOverlap
    private let another: Actors
    private var known: Set<String> = []

    init(_ overlap: EntryOverlap) throws {
      self.overlap = overlap
      stage = try Stage(prepare: EngineLiveTests.furnish)
      another = try Actors(
        stage.scratch, "another", loginUID: 4711, program: "\(stage.scratch.path)/claude/claude")
      try stage.start()
    }

    /// Plays an act; the id of the grant that comes of it. `isLate` has another agent than the first.
    func play(_ act: String, by cause: Cause, isLate: Bool = false) throws -> String {
      let actors = cause == .human ? stage.human : isLate ? another : stage.agents
      try actors.play(act)
      let id = try stage.wait("a grant of: \(act)") { () -> String? in
        let grants = try stage.grants().filter { $0["kind"].text == overlap.kind }
        return grants.compactMap { $0["id"].text }.first { !known.contains($0) }
      }
      known.insert(id)
      if cause == .approved {
        #expect(try stage.approve(id, seconds: 3600)["done"].bool == true)
      }
      return id
    }

    /// How many grants there are beside those that acts were seen to bring.
    func strangers() throws -> Int { try stage.grants().count - known.count }

    func state(_ id: String) throws -> String { try stage.show(id)["state"].text ?? "" }

    func end(_ id: String) throws {
      if try state(id) == "ended" { return }
      _ = try stage.call("Revoke", [("ids", stage.ids(id))])
      try stage.becomes("ended", id)
    }

    func look() -> String {
      let line = "S=\(stage.scratch.path); \(overlap.look)"
      return String(decoding: Spawn.runAndWait("/bin/sh", ["-c", line]).output, as: UTF8.self)
    }
  }

  @Test(arguments: entryOverlaps, Pair.all)
  func whatSeveralGiveEndsWithTheLast(_ overlap: EntryOverlap, _ pair: Pair) throws {
    let play = try Play(overlap)
    #expect(play.look() == overlap.plain)
    let first = try play.play(overlap.first, by: pair.first)
    #expect(play.look() == overlap.withFirst)
    let second = try play.play(overlap.second, by: pair.second, isLate: true)
    #expect(play.look() == overlap.withBoth)
    // What an agent gave is over when something else takes its place; of others it comes back.
    let isKept = !overlap.replaces || pair.first != .agent
    if isKept {
      #expect(try play.state(first) == (pair.first == .approved ? "approved" : "active"))
    } else {
      try play.stage.becomes("ended", first)
    }
    try play.end(pair.firstEndsFirst ? first : second)
    if pair.firstEndsFirst {
      #expect(play.look() == overlap.withSecond)
      #expect(try play.state(second) == (pair.second == .approved ? "approved" : "active"))
    } else {
      #expect(play.look() == (isKept ? overlap.withFirst : overlap.plain))
      if isKept {
        #expect(try play.state(first) == (pair.first == .approved ? "approved" : "active"))
      }
    }
    try play.end(pair.firstEndsFirst ? second : first)
    #expect(play.look() == overlap.plain)
    #expect(try play.strangers() == 0)
  }

  /// The deadline of an agent's grant, and the end of an approval, each in its time.
  @Test(arguments: entryOverlaps)
  func anAgentsDeadlineLeavesWhatWasApprovedToItsEnd(_ overlap: EntryOverlap) throws {
    let play = try Play(overlap)
    let first = try play.play(overlap.first, by: .approved)
    let second = try play.play(overlap.second, by: .agent, isLate: true)
    play.stage.pass(seconds: 901)
    #expect(try play.stage.becomes("ended", second)["endedBy"].text == "expired")
    #expect(play.look() == overlap.withFirst)
    #expect(try play.state(first) == "approved")
    crash(play.stage)
    try play.stage.start()
    #expect(try play.state(first) == "approved")
    play.stage.pass(seconds: 3600)
    #expect(try play.stage.becomes("ended", first)["endedBy"].text == "expired")
    #expect(play.look() == overlap.plain)
    #expect(try play.strangers() == 0)
  }

  @Test(arguments: entryOverlaps)
  func whatWasApprovedOutlivesAnAgentsDeadline(_ overlap: EntryOverlap) throws {
    let play = try Play(overlap)
    let first = try play.play(overlap.first, by: .agent)
    let second = try play.play(overlap.second, by: .approved, isLate: true)
    play.stage.pass(seconds: 901)
    try play.stage.becomes("ended", first)
    #expect(play.look() == overlap.withSecond)
    #expect(try play.state(second) == "approved")
    play.stage.pass(seconds: 3600)
    try play.stage.becomes("ended", second)
    #expect(play.look() == overlap.plain)
    #expect(try play.strangers() == 0)
  }

  /// What stood aside for an agent's change that somebody took away whole has ended with it.
  @Test(arguments: entryOverlaps.filter { $0.replaces }, [false, true])
  func whatSomebodyTookAwayWholeDoesNotComeBack(_ overlap: EntryOverlap, restarted: Bool) throws {
    let play = try Play(overlap)
    let first = try play.play(overlap.first, by: .human)
    let second = try play.play(overlap.second, by: .agent)
    #expect(try play.state(first) == "active")
    if restarted { play.stage.stop() }
    try play.stage.human.play(overlap.removal)
    if restarted { try play.stage.start() }
    #expect(try play.stage.becomes("ended", second)["endedBy"].text == "removed")
    #expect(try play.stage.becomes("ended", first)["endedBy"].text == "removed")
    play.stage.pass(seconds: 901)
    #expect(play.look() == overlap.plain)
  }

  @Test(arguments: entryOverlaps)
  func anothersNarrowingStaysAndGivingAgainIsNew(_ overlap: EntryOverlap) throws {
    let play = try Play(overlap)
    let first = try play.play(overlap.first, by: .agent)
    let second = try play.play(overlap.second, by: .agent, isLate: true)
    let given = try play.stage.show(second)["after"]
    try play.stage.human.play(overlap.narrowing)
    _ = try play.stage.wait("the narrowing is seen") {
      let shown = try play.stage.show(second)
      return shown["after"] != given || shown["state"].text == "ended" ? true : nil
    }
    play.stage.pass(seconds: 901)
    for id in [first, second] { try play.stage.becomes("ended", id) }
    #expect(play.look() == overlap.plain)
    // Given again after its end it is another grant.
    let again = try play.play(overlap.first, by: .agent)
    #expect(play.look() == overlap.withFirst)
    #expect(again != second)
    play.stage.pass(seconds: 901)
    try play.stage.becomes("ended", again)
    #expect(play.look() == overlap.plain)
    #expect(try play.strangers() == 0)
  }
}
