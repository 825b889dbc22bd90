internal import ByteText
internal import LinuxKit

/// Processes that still have an access, as lines for people: one each for the first, the rest in one.
struct ProcessResidue {
  /// How many get a line of their own.
  static let mostNamed = 64

  private var lines: [Residue] = []
  private var rest: [(pid: Int32, start: UInt64)] = []
  private let files: ProcessFiles
  /// What is said behind the process: `of bob still has group docker`.
  private let words: String

  init(_ words: String, _ files: ProcessFiles) {
    self.words = words
    self.files = files
  }

  /// Adds a process, unless it has ended.
  mutating func add(_ pid: Int32) {
    guard let stat = files.stat(pid), stat.state != UInt8(ascii: "Z") else { return }
    guard lines.count < Self.mostNamed else { return rest.append((pid, stat.start)) }
    lines.append(
      Residue(
        "process \(pid) (\(escaped(stat.comm))) \(words)", processes: [(pid, stat.start)]))
  }

  var residue: [Residue] {
    guard !rest.isEmpty else { return lines }
    return lines + [Residue("and \(rest.count) more processes like it", processes: rest)]
  }

  /// Sessions in the same way; each with a line of its own up to the same number.
  static func sessions(_ names: [String], _ words: String) -> [Residue] {
    let lines = names.prefix(mostNamed).map { Residue("session \($0) \(words)", sessions: [$0]) }
    guard names.count > mostNamed else { return Array(lines) }
    let rest = Array(names.dropFirst(mostNamed))
    return lines + [Residue("and \(rest.count) more sessions like it", sessions: rest)]
  }
}
