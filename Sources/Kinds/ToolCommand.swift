internal import ByteText
internal import LinuxKit

/// A tool of the system with its arguments, to be run without a shell.
struct ToolCommand: Sendable {
  var tool: String
  var arguments: [[UInt8]]
  /// Beside `Spawn.plainEnvironment`.
  var environment: [(String, String)] = []

  /// As one would type it: quoted for a shell where need be, escaped for the eye.
  var text: String {
    let settings = environment.map { "\($0.0)=\(Self.quoted(Array($0.1.utf8)))" }
    let name = tool.split(separator: "/").last.map(String.init) ?? tool
    return (settings + [name] + arguments.map(Self.quoted)).joined(separator: " ")
  }

  func run() -> SpawnResult {
    Spawn.runAndWait(tool, arguments, environment: Spawn.plainEnvironment + environment)
  }

  /// Why the tool did not do what it was asked for: its own words, else how it ended; `otherwise`
  /// when it said that all is well.
  func failure(_ result: SpawnResult, otherwise: String) -> String {
    let said = result.errors.isEmpty ? result.output : result.errors
    let text = escaped(said.prefix(400).map { $0 == 0x0a ? 0x20 : $0 }.trimmingBlanks())
    switch result.status {
    case .failed(let error): return "\(error)"
    case .timedOut: return "\(tool): no end within its time"
    case .signalled(let signal): return "\(tool): killed by signal \(signal)"
    case .exited(0): return "\(tool): said done, but \(otherwise)"
    case .exited(let code): return text.isEmpty ? "\(tool): exit status \(code)" : text
    }
  }

  private static let plain = Set(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:,+@".utf8)

  private static func quoted(_ word: [UInt8]) -> String {
    !word.isEmpty && word.allSatisfy(plain.contains) ? escaped(word) : "'\(escaped(word))'"
  }
}

extension Array where Element == UInt8 {
  fileprivate func trimmingBlanks() -> ArraySlice<UInt8> {
    var slice = drop(while: isBlank)
    while let last = slice.last, isBlank(last) { slice.removeLast() }
    return slice
  }
}
