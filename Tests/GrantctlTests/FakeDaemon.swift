import ByteText
import Control
import Dispatch
import Glibc
import GrantctlCommands
import Grants
import LinuxKit
import Synchronization

/// A grant as the daemon gives it.
func grantJSON(_ id: String, state: String = "active", expiresAt: String = "null") -> String {
  """
  {"id":"\(id)","incident":"i-81vd","host":"web1","standing":false,"kind":"file-mode",\
  "subject":"everyone","object":"file:/srv/a, \\"b\\"","items":6,"right":"read write execute",\
  "before":null,"after":"0777","state":"\(state)","provenance":"agent-executed",\
  "confidence":"certain","agent":{"name":"claude-code","session":"3f6c","model":null,\
  "chain":["claude-code"]},"via":null,"actor":{"user":"root","loginUser":"alice","pid":4711,\
  "command":"chmod -R 777 /srv/\\u001b[31mdata"},"advice":null,"approval":null,\
  "grantedAt":"2026-11-22T10:00:01.120Z","detectedAt":"2026-11-22T10:00:01.122Z",\
  "expiresAt":\(expiresAt),"endedAt":null,"endedBy":null,"activeSeconds":61.40,\
  "activeSecondsMin":61.4,"activeSecondsMax":61.4,"residue":[],"rule":"agents",\
  "severity":"high","evidence":[]}
  """
}

/// Answers as the daemon would; remembers the last parameters it got.
final class FakeDaemon {
  let folder: String
  let queue = DispatchQueue(label: "fake daemon")
  let server: ControlServer
  let seen: Seen
  var path: String { "\(folder)/control.sock" }

  final class Seen: Sendable {
    private let calls = Mutex<[(String, JSON)]>([])
    var last: JSON { calls.withLock { $0.last?.1 ?? .null } }
    var methods: [String] { calls.withLock { $0.map(\.0) } }
    func add(_ method: String, _ parameters: JSON) {
      calls.withLock { $0.append((method, parameters)) }
    }
  }

  init(_ answer: @escaping (ControlCall) -> Void) throws {
    var template = Array("/tmp/grantwatch-test-XXXXXX".utf8CString)
    folder = template.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } ?? "/nonexistent"
    }
    let seen = Seen()
    self.seen = seen
    server = try ControlServer(path: "\(folder)/control.sock", queue: queue) { call in
      seen.add(call.method, call.parameters)
      answer(call)
    }
  }

  deinit {
    queue.sync { server.close() }
    rmdir(folder)
  }

  /// Runs grantctl against this daemon.
  func grantctl(_ arguments: String..., input: [UInt8] = [], width: Int? = nil) -> Run {
    run(["--socket", path] + arguments, input: input, width: width)
  }
}

/// What a run of grantctl gave.
struct Run {
  var status: Int32
  var output: String
  var words: String
}

/// What was left in the journal.
final class LeftInJournal: Sendable {
  private let kept = Mutex<[AdviceSubmission]>([])
  var all: [AdviceSubmission] { kept.withLock { $0 } }
  func add(_ submission: AdviceSubmission) { kept.withLock { $0.append(submission) } }
}

/// Runs grantctl in this process.
func run(
  _ arguments: [String], input: [UInt8] = [], width: Int? = nil,
  environment: [String: String] = [:], journal: LeftInJournal = LeftInJournal()
) -> Run {
  var output: [UInt8] = []
  var words = ""
  let status = Grantctl.run(
    arguments: arguments,
    streams: Streams(
      input: { .success(Array(input.prefix($0 + 1))) },
      output: {
        output += $0
        return nil
      },
      words: { words += $0 + "\n" }, width: width, part: { Array(input.prefix($0)) },
      environment: { environment[$0] }, journal: { journal.add($0) }))
  return Run(status: status, output: String(decoding: output, as: UTF8.self), words: words)
}

extension ControlCall {
  /// Replies with one member that is JSON already.
  func reply(_ name: String, _ json: String, continues: Bool = false) {
    reply(continues: continues) { writer in
      writer.key(name)
      writer.raw(Array(json.utf8))
    }
  }
}
