import ByteText
import Glibc
import Sources

/// Recorded entries of a real system, in the journal's export format, and what truly happened.
enum Samples {
  static let folder: String = {
    let here = #filePath
    return here.prefix(upTo: here.lastIndex(of: "/") ?? here.endIndex) + "/Samples"
  }()

  /// The recordings there are.
  static let names: [String] = {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name.hasSuffix(".export") { names.append(String(name.dropLast(".export".count))) }
    }
    return names.sorted()
  }()

  static func path(_ name: String) -> String { "\(folder)/\(name).export" }

  static func bytes(_ path: String) -> [UInt8] {
    guard let file = fopen(path, "r") else { return [] }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var space = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&space, 1, space.count, file), count > 0 {
      bytes += space[..<count]
    }
    return bytes
  }

  /// The entries of a recording: `NAME=value` lines; `NAME`, eight bytes of length, value; a blank
  /// line between entries.
  static func entries(_ name: String) -> [JournalFields] {
    let bytes = bytes(path(name))
    var entries: [JournalFields] = []
    var fields = JournalFields()
    var isEmpty = true
    var at = 0
    while at < bytes.count {
      let end = bytes[at...].firstIndex(of: 0x0a) ?? bytes.count
      let line = bytes[at..<end]
      at = end + 1
      if line.isEmpty {
        if !isEmpty { entries.append(fields) }
        fields = JournalFields()
        isEmpty = true
      } else if line.contains(UInt8(ascii: "=")) {
        line.withUnsafeBytes { fields.take($0) }
        isEmpty = false
      } else {
        let length = bytes[at..<(at + 8)].reversed().reduce(0) { $0 << 8 | Int($1) }
        fields.take(line, bytes[(at + 8)..<(at + 8 + length)])
        at += 8 + length + 1
        isEmpty = false
      }
    }
    if !isEmpty { entries.append(fields) }
    return entries
  }

  /// What a recording tells, each event once.
  static func recognized(_ name: String, root: String? = nil) -> [AccessSignal] {
    var reader = EntryReader(root: root)
    var signals: [AccessSignal] = []
    for (index, fields) in entries(name).enumerated() {
      let time = Timestamp(microseconds: fields.sourceTime ?? Int64(index))
      reader.take(fields, cursor: "\(index)", stored: time) { signals.append($0) }
    }
    reader.release(before: nil) { signals.append($0) }
    return signals
  }

  /// Rows of LABELS.tsv: kind, grant type, principal, resource, whether the journal tells, number.
  static func labels(_ name: String) -> [[String]] {
    String(decoding: bytes("\(folder)/LABELS.tsv"), as: UTF8.self).split(separator: "\n")
      .map { $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init) }
      .filter { $0.first == name }
      .map { [$0[3], $0[4], $0[5], $0[6], $0[8], $0[2]] }
  }
}
