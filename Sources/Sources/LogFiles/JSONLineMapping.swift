package import ByteText
package import Grants

/// Reads JSON lines as a `[LogFile]` section says.
package struct JSONLineMapping: Sendable {
  private let configuration: LogFileConfiguration
  private let matches: [(pointer: String, pattern: String)]

  package init(_ configuration: LogFileConfiguration) {
    self.configuration = configuration
    matches = configuration.match.compactMap { word in
      guard let equals = word.firstIndex(of: "=") else { return nil }
      return (String(word[..<equals]), String(word[word.index(after: equals)...]))
    }
  }

  /// What a line tells; nil when it is no JSON or does not match.
  package func signal(_ line: ArraySlice<UInt8>, read: Timestamp) -> AccessSignal? {
    guard let json = try? JSON.parse(line) else { return nil }
    for (pointer, pattern) in matches {
      guard let text = json.text(at: pointer), glob(pattern, matches: text) else { return nil }
    }
    let time =
      configuration.time.isEmpty
      ? nil : json.text(at: configuration.time).flatMap { Timestamp(rfc3339: $0) }
    var signal = AccessSignal(
      cursor: "", time: min(time ?? read, read), tool: configuration.name,
      type: SignalType(rawValue: configuration.type.rawValue) ?? .use,
      message: escaped(line.prefix(1024)), trusted: true)
    signal.kind = configuration.kind
    signal.subject = filled(configuration.subject, json)
    signal.object = filled(configuration.object, json)
    signal.right = filled(configuration.right, json)
    signal.actorUser = filled(configuration.actor, json)
    if signal.subject == nil || signal.object == nil { signal.trusted = false }
    return signal
  }

  /// The text with its pointers followed; nil where one leads nowhere.
  private func filled(_ template: String, _ json: JSON) -> String? {
    guard !template.isEmpty else { return nil }
    var text = ""
    var rest = template[...]
    while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
      let pointer = String(rest[rest.index(after: open)..<close])
      guard let value = json.text(at: pointer) else { return nil }
      text += rest[..<open] + escaped(Array(value.utf8).prefix(512))
      rest = rest[rest.index(after: close)...]
    }
    return text + rest
  }
}

extension JSON {
  /// What a JSON pointer (RFC 6901) leads to, as text; of an array its elements with blanks between.
  func text(at pointer: String) -> String? {
    var value = self
    for part in pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
      var name = ""
      var escape = false
      for character in part {
        if escape {
          name += character == "1" ? "/" : character == "0" ? "~" : "~\(character)"
          escape = false
        } else if character == "~" {
          escape = true
        } else {
          name.append(character)
        }
      }
      if case .array(let elements) = value {
        guard let index = Int(name), elements.indices.contains(index) else { return nil }
        value = elements[index]
      } else {
        value = value[name]
      }
    }
    switch value {
    case .string(let text): return text
    case .integer(let number): return String(number)
    case .bool(let flag): return flag ? "true" : "false"
    case .array(let elements):
      let texts = elements.compactMap(\.text)
      return texts.isEmpty ? nil : texts.joined(separator: " ")
    default: return nil
    }
  }
}
