package import ByteText
internal import LinuxKit

/// What cvtsudoers(1) makes of a piece of sudoers text. Bytes beyond ASCII stand in the strings as
/// the character of the same number, so that text that is no UTF-8 survives: see `bytes(of:)`.
package enum CvtsudoersJSON {
  static let tool = "/usr/bin/cvtsudoers"

  enum Answer: Sendable {
    case parsed(JSON)
    /// The tool's own words, one line, and the lines of the text that it complains of, from 1.
    case refused(String, lines: Set<Int>)
    /// The tool could not be run or gave no JSON.
    case failed(String)
  }

  /// Parses `text`, in which no include may stand: the tool would follow it on this host.
  static func parse(_ text: [UInt8]) -> Answer {
    if text.allSatisfy({ isBlank($0) }) { return .parsed(.object([])) }
    let result = Spawn.runAndWait(
      tool, ["-c", "/dev/null", "-f", "json"], input: text, outputLimit: 128 << 20)
    guard case .exited(let status) = result.status else {
      return .failed("\(tool): \(result.status)")
    }
    guard status == 0 else { return .refused(words(result.errors), lines: lines(result.errors)) }
    guard !result.truncated else { return .failed("\(tool): its answer is too long") }
    if result.output.allSatisfy({ isBlank($0) }) { return .parsed(.object([])) }
    do throws(JSONError) {
      return .parsed(try document(result.output))
    } catch {
      return .failed("\(tool): \(error)")
    }
  }

  /// The tool's answer, its slips mended.
  package static func document(_ output: [UInt8]) throws(JSONError) -> JSON {
    try JSON.parse(mended(output))
  }

  /// The numbers in `stdin:17:16: syntax error`.
  package static func lines(_ errors: [UInt8]) -> Set<Int> {
    let mark = "stdin:".utf8
    let numbers = errors.split(separator: 0x0a).compactMap { line -> Int? in
      guard line.starts(with: mark) else { return nil }
      return decimal(line.dropFirst(mark.count).prefix(while: isDigit)).flatMap { Int(exactly: $0) }
    }
    return Set(numbers)
  }

  /// The first line of what a tool of sudo's complains of.
  static func words(_ errors: [UInt8]) -> String {
    let line = errors.split(separator: 0x0a).first.map { Array($0.prefix(300)) } ?? []
    return line.isEmpty ? "refused without a word" : escaped(line)
  }

  /// The bytes that a string of the answer stands for.
  package static func bytes(of text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    for scalar in text.unicodeScalars {
      if let byte = UInt8(exactly: scalar.value) {
        bytes.append(byte)
      } else {
        bytes.append(contentsOf: String(scalar).utf8)
      }
    }
    return bytes
  }

  /// cvtsudoers up to 1.9.13 writes `"runcwd": "/tmp"` straight into an array (CWD=, CHROOT=, ROLE=,
  /// TYPE= and their like), which is no JSON: such a pair gets its braces here. It forgets the comma
  /// behind an empty list of `Defaults`, whose options it did not know. Each byte beyond ASCII becomes
  /// the character of that number.
  static func mended(_ json: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(json.count + 64)
    var open: [UInt8] = []
    var at = 0
    var pairIsOpen = false
    var isClosed = false
    func endOfString(_ start: Int) -> Int {
      var at = start + 1
      while at < json.count, json[at] != UInt8(ascii: "\"") {
        at += json[at] == UInt8(ascii: "\\") ? 2 : 1
      }
      return min(at + 1, json.count)
    }
    func closePair() {
      if pairIsOpen { out.append(UInt8(ascii: "}")) }
      pairIsOpen = false
    }
    while at < json.count {
      let byte = json[at]
      switch byte {
      case UInt8(ascii: "\""):
        let end = endOfString(at)
        if isClosed { out.append(UInt8(ascii: ",")) }
        isClosed = false
        var after = end
        while after < json.count, isBlank(json[after]) { after += 1 }
        if open.last == UInt8(ascii: "["), !pairIsOpen, after < json.count,
          json[after] == UInt8(ascii: ":")
        {
          out.append(UInt8(ascii: "{"))
          pairIsOpen = true
        }
        for byte in json[at..<end] {
          if byte < 0x80 {
            out.append(byte)
          } else {
            out.append(0xc0 | byte >> 6)
            out.append(0x80 | byte & 0x3f)
          }
        }
        at = end
        continue
      case UInt8(ascii: "["), UInt8(ascii: "{"): open.append(byte)
      case UInt8(ascii: "]"), UInt8(ascii: "}"):
        closePair()
        _ = open.popLast()
        isClosed = true
      case UInt8(ascii: ","):
        closePair()
        isClosed = false
      default: break
      }
      out.append(byte)
      at += 1
    }
    return out
  }
}
