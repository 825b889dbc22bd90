import ByteText
import Control
import Dispatch
import Glibc
import Grants
import LinuxKit
import Scratch
import Synchronization
import Testing
import Watchdog

/// A tree of its own with accounts and data, actors that live outside the test's process, and an
/// engine in this process that watches it.
///
/// The engine takes changes of its own process for the daemon's work, so changes are made by the
/// actors only.
final class Stage {
  let scratch = Scratch()
  let clock = StageClock()
  let log = StageLog()
  /// A login shell of login uid 4711.
  let human: Actors
  /// An agent of the same login uid; like real ones it outlives what it runs.
  let agents: Actors
  /// A login shell of login uid 4712, no agent's.
  let approver: Actors
  private(set) var engine: Engine?
  /// Stands in for polkit from the next start on.
  var presence: (any PresenceAuthority)?

  var socket: String { "\(scratch.path)/run/control.sock" }

  /// `prepare` makes the files that are there at the first start.
  init(_ configuration: String = Stage.configuration, prepare: (Scratch) -> Void = { _ in })
    throws
  {
    for folder in [
      "root", "root/etc", "root/srv", "etc", "etc/agents.d", "etc/webhooks.d", "run", "journal",
      "claude", "out",
    ] {
      scratch.folder(folder)
    }
    scratch.folder("state", 0o700)
    scratch.chmod("out", 0o777)
    Scratch.call(scratch.bytes()) { Glibc.chmod($0, 0o755) }
    scratch.file("root/etc/passwd", 0o644, text: Self.passwd)
    scratch.file("root/etc/group", 0o644, text: Self.group)
    scratch.file("root/etc/shadow", 0o640, text: Self.shadow)
    scratch.file("root/etc/gshadow", 0o640, text: Self.gshadow)
    scratch.file("ask.pl", 0o755, text: Self.asking)
    Scratch.run("/bin/cp", ["/bin/bash", "\(scratch.path)/claude/claude"])
    scratch.file(
      "etc/agents.d/claude.conf", 0o644,
      text: """
        [Agent]
        Name=claude-code
        Provisioned=yes
        [Match]
        Executable=\(scratch.path)/claude/claude
        Hint=STAGE_HINT=1

        """)
    prepare(scratch)
    human = try Actors(scratch, "human", loginUID: 4711)
    agents = try Actors(
      scratch, "agent", loginUID: 4711, program: "\(scratch.path)/claude/claude")
    approver = try Actors(scratch, "approver", loginUID: 4712)
    configure(configuration)
  }

  deinit { stop() }

  static let configuration = revoking(
    """
    [Rule advised]
    Provenance=agent-advised
    TTL=15min
    """)

  /// What agents do falls due, with more keys of the rule for it.
  static func revoking(_ keys: String) -> String {
    """
    [Approval]
    Authenticate=no
    [Rule agents]
    Provenance=agent-executed
    TTL=15min
    OnDeadline=revoke
    \(keys)

    """
  }

  private static let passwd = """
    root:x:0:0::/root:/bin/bash
    nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin
    bob:x:1001:1001::/home/bob:/bin/bash
    eve:x:1002:1002::/home/eve:/bin/bash

    """
  private static let group = """
    root:x:0:
    docker:x:999:
    staff:x:50:bob
    audio:x:29:
    bob:x:1001:
    eve:x:1002:
    nogroup:x:65534:

    """
  private static let shadow = "root:*:1::::::\nnobody:*:1::::::\nbob:!:1::::::\neve:!:1::::::\n"
  private static let gshadow =
    "root:*::\ndocker:!::\nstaff:!::bob\naudio:!::\nbob:!::\neve:!::\nnogroup:!::\n"

  /// Sends the call in one file to the socket, and puts the reply in another.
  private static let asking = """
    use Socket;
    my ($path, $call, $reply) = @ARGV;
    open(my $in, '<', $call) or die; local $/; my $text = <$in>;
    socket(my $s, PF_UNIX, SOCK_STREAM, 0) or die;
    connect($s, sockaddr_un($path)) or die "connect: $!";
    syswrite($s, $text . "\\0") or die;
    my $all = '';
    while ($all !~ /\\0/) { sysread($s, $all, 65536, length $all) or last; }
    open(my $out, '>', "$reply.new") or die "$reply: $!"; print $out $all =~ s/\\0.*//sr; close $out;
    rename("$reply.new", $reply);

    """

  /// Writes grantwatch.conf; what every test needs stands before `text`.
  func configure(_ text: String) {
    scratch.remove("etc/grantwatch.conf")
    scratch.file(
      "etc/grantwatch.conf", 0o644,
      text: """
        [Watchdog]
        Mode=enforce
        [Files]
        Watch=
        Watch=/srv
        [Journal]
        Directory=\(scratch.path)/journal
        \(text)
        """)
  }

  // MARK: The engine

  var settings: EngineSettings {
    var settings = EngineSettings(
      version: "0.1.0", configurationFile: "\(scratch.path)/etc/grantwatch.conf",
      root: scratch.bytes("root"), stateDirectory: "\(scratch.path)/state",
      runtimeDirectory: "\(scratch.path)/run", host: "stage", log: { [log] in log.add($0) },
      now: { [clock] in clock.now })
    if let presence { settings.presence = presence }
    return settings
  }

  /// Starts the engine. One that was stopped a moment ago may still hold the state directory.
  func start() throws {
    let engine = try wait("the state directory is free") {
      do throws(EngineError) {
        return try Engine.make(settings)
      } catch {
        guard error.description.contains("in use") else { throw error }
        return nil
      }
    }
    try engine.start()
    self.engine = engine
  }

  func stop() {
    guard let engine else { return }
    engine.queue.sync { engine.stop() }
    self.engine = nil
  }

  func reload() { engine?.queue.sync { self.engine?.reload() } }

  /// Lets time go by, on both clocks.
  func pass(seconds: Int64) {
    clock.pass(seconds * 1_000_000)
    turn()
  }

  /// Has the engine look at the clock.
  private func turn() {
    guard let engine else { return }
    while engine.queue.sync(execute: { engine.timerFired() }) {}
  }

  struct Timeout: Error, CustomStringConvertible { var description: String }

  /// Waits until `look` gives something, for at most thirty seconds.
  func wait<Value>(_ what: String, _ look: () throws -> Value?) throws -> Value {
    let end = SystemClock.up() + 30_000_000
    while SystemClock.up() < end {
      turn()
      if let value = try look() { return value }
      usleep(3000)
    }
    let tail = (text("state/ledger/00000000000000000001.jsonl") ?? "").split(separator: "\n")
      .suffix(8)
    throw Timeout(
      description:
        "not within 30 s: \(what); log: \(log.lines); ledger: \(tail.joined(separator: " "))")
  }

  // MARK: Questions

  func call(_ method: String, _ parameters: [(String, JSON)] = []) throws -> JSON {
    try ControlClient(path: socket).call(
      method, .object(parameters.map { JSONMember($0.0, $0.1) }))
  }

  func grants(standing: Bool = false) throws -> [JSON] {
    let filter = JSON.object([JSONMember("standing", .bool(standing))])
    return try call("List", [("filter", filter)])["grants"].elements
  }

  func show(_ id: String) throws -> JSON {
    try call("Show", [("ids", ids(id))])["grants"].elements.first ?? .null
  }

  func status() throws -> JSON { try call("GetStatus")["status"] }

  /// The log's events of one type, oldest first.
  func events(_ type: String) throws -> [JSON] {
    try call("Log")["events"].elements.filter { $0["type"].text == type }
  }

  /// Waits for a grant that is as `matches` wants it.
  func grant(_ what: String, _ matches: (JSON) throws -> Bool) throws -> JSON {
    try wait(what) { try grants().first(where: matches) }
  }

  /// Waits for the one grant on files of `items`.
  func fileGrant(items: Int64 = 1) throws -> JSON {
    try grant("a grant with \(items) items") {
      $0["kind"].text == "file-mode" && $0["items"].integer == items
    }
  }

  /// Waits until the grant is in `state`; gives it as `show` does.
  @discardableResult
  func becomes(_ state: String, _ id: String) throws -> JSON {
    try wait("\(id) becomes \(state)") {
      let grant = try show(id)
      return grant["state"].text == state ? grant : nil
    }
  }

  func mode(_ name: String) -> UInt16? { scratch.mode("root/srv/\(name)") }

  /// The members that the group file gives a group.
  func members(of group: String) -> String? {
    guard let bytes = try? SmallFile.read("\(scratch.path)/root/etc/group") else { return nil }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
      .first { $0.hasPrefix("\(group):") }
      .flatMap { $0.split(separator: ":", omittingEmptySubsequences: false).last.map(String.init) }
  }

  // MARK: Acts

  /// Runs a line of shell as an agent does: below a process that is one.
  func agent(_ line: String) throws { try agents.play(line) }

  /// Calls a method from another process; `wrapped` puts words before the caller's command line, or
  /// says with the word ASK where it stands.
  func ask(
    _ method: String, _ parameters: [(String, JSON)], by actors: Actors, wrapped: String = ""
  ) throws -> JSON {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("method", "\(interfaceName).\(method)")
    writer.key("parameters")
    writer.value(.object(parameters.map { JSONMember($0.0, $0.1) }))
    writer.endObject()
    scratch.remove("out/call")
    scratch.remove("out/reply")
    scratch.file("out/call", 0o644, text: String(decoding: writer.bytes, as: UTF8.self))
    let asking = "/usr/bin/perl $S/ask.pl $S/run/control.sock $S/out/call $S/out/reply"
    try actors.play(
      wrapped.contains("ASK") ? wrapped.replacing("ASK", with: asking) : "\(wrapped) \(asking)")
    return try wait("a reply to \(method)") {
      guard let bytes = try? SmallFile.read("\(scratch.path)/out/reply") else { return nil }
      return try JSON.parse(bytes)
    }
  }

  /// Asks for an approval; the result for the one id.
  func approve(
    _ id: String, seconds: Int64? = nil, reason: String = "on call", code: String? = nil,
    by actors: Actors? = nil, wrapped: String = ""
  ) throws -> JSON {
    var parameters: [(String, JSON)] = [("ids", ids(id)), ("reason", .string(reason))]
    if let seconds { parameters.append(("seconds", .integer(seconds))) }
    if let code { parameters.append(("code", .string(code))) }
    let reply = try ask(
      "Approve", parameters, by: actors ?? approver, wrapped: wrapped)
    return reply["parameters"]["results"].elements.first ?? reply
  }

  func ids(_ id: String) -> JSON { .array([.string(id)]) }
}

/// The kernel's clocks, and what a test adds to them.
final class StageClock: Sendable {
  private let added = Mutex<Int64>(0)
  private let boot = Mutex(SystemClock.bootID())

  var now: Moment {
    let added = added.withLock { $0 }
    return Moment(
      wall: Timestamp(microseconds: SystemClock.wall() + added), up: SystemClock.up() + added,
      boot: boot.withLock { $0 })
  }

  /// What comes is of another boot.
  func reboot() { boot.withLock { $0 = String($0.reversed()) } }

  func pass(_ microseconds: Int64) { added.withLock { $0 += microseconds } }
}

/// What the engine says is wrong.
final class StageLog: Sendable {
  private let kept = Mutex<[String]>([])

  var lines: [String] { kept.withLock { $0 } }

  func add(_ line: String) { kept.withLock { $0.append(line) } }
}

extension Stage {
  /// Words before a command that has it run as uid 65534.
  static let asNobody = "/usr/bin/setpriv --reuid=65534 --regid=65534 --clear-groups"

  /// An endpoint that nobody delivers to but the test.
  func addWebhook() {
    scratch.file(
      "etc/webhooks.d/hook.conf", 0o644, text: "[Webhook]\nURL=https://hook.invalid/\n")
  }

  /// What waits for the endpoint.
  func outbox() throws -> [JSON] {
    try call("TakeOutbox", [("endpoint", .string("hook"))])["events"].elements
  }

  /// Delivers an event: the engine may forget its code.
  func acknowledge(_ event: JSON) throws {
    _ = try call(
      "Acknowledge",
      [("endpoint", .string("hook")), ("sequence", event["sequence"]), ("delivered", .bool(true))])
  }

  /// Adds an account, and a group of its name and number, to the tree; call it in `prepare`.
  static func addAccount(_ scratch: Scratch, _ name: String, _ uid: UInt32) {
    addGroup(scratch, name, uid)
    let lines = """
      cd $0/root/etc; echo '\(name):x:\(uid):\(uid)::/home/\(name):/bin/sh' >>passwd
      echo '\(name):!:1::::::' >>shadow
      """
    Scratch.run("/bin/sh", ["-c", lines, scratch.path])
  }

  static func addGroup(_ scratch: Scratch, _ name: String, _ gid: UInt32) {
    let lines =
      "cd $0/root/etc; echo '\(name):x:\(gid):' >>group; echo '\(name):!::' >>gshadow"
    Scratch.run("/bin/sh", ["-c", lines, scratch.path])
  }

  /// A number that no account of a host has, nor another run of these tests; `index` is below 16.
  static func ownNumber(_ index: UInt32) -> UInt32 { 1_000_000 + UInt32(getpid()) * 16 + index }

  func text(_ name: String) -> String? {
    (try? SmallFile.read("\(scratch.path)/\(name)")).map { String(decoding: $0, as: UTF8.self) }
  }
}
