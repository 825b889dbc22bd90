internal import ByteText
internal import Control

/// A verb of `grantctl`.
struct Command: Sendable {
  /// `list`, `advice add`.
  var name: String
  /// One line: what it does.
  var purpose: String
  /// As the usage line shows them: `ID...`; empty when it takes none.
  var operands = ""
  /// It may do without operands, and looks at them itself.
  var operandsAreOptional = false
  var options: [Option] = []
  /// Words the help says beyond the options.
  var details = ""
  var run: @Sendable (inout Invocation) throws(Failure) -> Void
}

/// One run of a command.
struct Invocation {
  let command: Command
  let arguments: Arguments
  let streams: Streams
  let format: Format
  let socket: String
  let output: Output
  /// The worst that happened so far without ending the command.
  private(set) var status = ExitStatus.done

  init(_ command: Command, _ arguments: Arguments, _ streams: Streams) throws(Failure) {
    self.command = command
    self.arguments = arguments
    self.streams = streams
    let word = arguments.value("output") ?? Format.table.rawValue
    guard let format = Format(rawValue: word) else {
      throw unknownWord(word, "format", Format.allCases.map(\.rawValue))
    }
    self.format = format
    socket = arguments.value("socket") ?? "/run/grantwatch/control.sock"
    output = Output(streams)
    if command.operands.isEmpty, let extra = arguments.operands.first {
      throw Failure(.usage, "unexpected argument '\(printable(extra))'")
    }
    if !command.operands.isEmpty, !command.operandsAreOptional {
      guard !arguments.operands.isEmpty else { throw Failure(.usage, "an ID is missing") }
      guard !arguments.operands.contains("") else { throw Failure(.usage, "an ID is empty") }
    }
  }

  /// The ids that were given.
  var ids: [String] { arguments.operands }

  /// Says what went wrong with one id, and goes on.
  mutating func complain(_ failure: Failure) {
    streams.words("grantctl: \(command.name): \(printable(failure.message))")
    if status != .failed, failure.status != .done { status = failure.status }
  }

  func connect() throws(Failure) -> ControlClient {
    do throws(ControlClientError) {
      return try ControlClient(path: socket)
    } catch {
      throw Failure(error)
    }
  }

  func printer(_ layout: Layout, immediate: Bool = false) -> RecordPrinter {
    RecordPrinter(layout, format, output, terminal: streams.width, immediate: immediate)
  }

  /// One line of a table's words, cut to the terminal.
  func line(_ text: String) throws(Failure) {
    try output.line(streams.width.map { cut(printable(text), to: $0) } ?? printable(text))
  }
}

/// A word that is not among those known, with the nearest one.
func unknownWord(_ word: String, _ what: String, _ known: [String]) -> Failure {
  let near = nearest(to: word, among: known)
  return Failure(
    .usage,
    "unknown \(what) '\(printable(word))'"
      + (near.map { "; did you mean '\($0)'?" } ?? "; known: \(known.joined(separator: " "))"))
}

/// Runs a call, with its errors as failures.
func asking<Answer>(
  _ call: () throws(ControlClientError) -> Answer
) throws(Failure) -> Answer {
  do throws(ControlClientError) {
    return try call()
  } catch {
    throw Failure(error)
  }
}

/// Parses a part of a reply.
func parsed(_ text: ArraySlice<UInt8>) throws(Failure) -> JSON {
  do throws(JSONError) {
    return try JSON.parse(text)
  } catch {
    throw Failure(.failed, "the daemon's answer is not JSON: \(error)")
  }
}
