package import Grants
package import LinuxKit

/// Where a command reads and writes; the process's own streams, or a test's.
package struct Streams {
  /// Reads the input to its end, or more than the given number of bytes of it.
  package var input: (_ limit: Int) -> Result<[UInt8], SystemError>
  /// Takes data; returns what went wrong.
  package var output: (ArraySlice<UInt8>) -> SystemError?
  /// Takes one line of words, without its newline.
  package var words: (String) -> Void
  /// Columns of the terminal that the output is; nil when it is none.
  package var width: Int?

  /// Reads what comes of the input without waiting long for more; keeps so many bytes of it.
  package var part: (_ limit: Int) -> [UInt8]
  /// A variable of the environment.
  package var environment: (String) -> String?
  /// Leaves an advice in the journal.
  package var journal: @Sendable (AdviceSubmission) -> Void

  package init(
    input: @escaping (_ limit: Int) -> Result<[UInt8], SystemError>,
    output: @escaping (ArraySlice<UInt8>) -> SystemError?,
    words: @escaping (String) -> Void, width: Int?,
    part: ((_ limit: Int) -> [UInt8])? = nil, environment: ((String) -> String?)? = nil,
    journal: (@Sendable (AdviceSubmission) -> Void)? = nil
  ) {
    self.input = input
    self.output = output
    self.words = words
    self.width = width
    self.part = part ?? { StandardStream.input.readPart(limit: $0, patience: 200_000) }
    self.environment = environment ?? { ThisProcess.environment($0) }
    self.journal = journal ?? { HookDelivery.leave($0) }
  }

  /// Standard input, output and error.
  package static var standard: Streams {
    Streams(
      input: { limit in
        Result { () throws(SystemError) in try StandardStream.input.read(limit: limit) }
      },
      output: { bytes in
        do throws(SystemError) {
          try StandardStream.output.write(bytes)
          return nil
        } catch {
          return error
        }
      },
      words: { line in try? StandardStream.error.write(Array((line + "\n").utf8)[...]) },
      width: StandardStream.output.terminalWidth)
  }
}

/// The output with a buffer before it.
final class Output {
  private let streams: Streams
  private var buffer: [UInt8] = []

  init(_ streams: Streams) { self.streams = streams }

  func write(_ bytes: some Collection<UInt8>) throws(Failure) {
    buffer.append(contentsOf: bytes)
    if buffer.count >= 65_536 { try flush() }
  }

  func line(_ text: String) throws(Failure) { try write((text + "\n").utf8) }

  func flush() throws(Failure) {
    guard !buffer.isEmpty else { return }
    let bytes = buffer
    buffer.removeAll(keepingCapacity: true)
    if let error = streams.output(bytes[...]) { throw Failure(.failed, "\(error)") }
  }
}
