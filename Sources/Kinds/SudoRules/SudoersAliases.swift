package import ByteText

/// The aliases of all sudoers files together; the first definition of a name counts, as in sudo.
package struct SudoersAliases: Sendable, Equatable {
  private static let tables = [
    ("User_Aliases", "useralias"), ("Runas_Aliases", "runasalias"), ("Host_Aliases", "hostalias"),
    ("Command_Aliases", "cmndalias"),
  ]
  private static let deepest = 32
  /// The longest list that is written out in full.
  private static let longest = 4096

  private var members: [String: [String: [JSON]]] = [:]

  package init(_ documents: [JSON] = []) {
    for document in documents { add(document) }
  }

  /// Takes the aliases of one file.
  mutating func add(_ document: JSON) {
    for (table, key) in Self.tables {
      for alias in document[table].members where members[key]?[alias.name] == nil {
        members[key, default: [:]][alias.name] = alias.value.elements
      }
    }
  }

  /// The list with every alias replaced by its members; `!` before an alias turns each of them. An
  /// alias that nobody defined is a plain word, as in sudo. Nil when the list would grow too long.
  func resolve(_ list: [JSON]) -> [JSON]? {
    var out: [JSON] = []
    return append(list, negated: false, depth: 0, to: &out) ? out : nil
  }

  private func append(_ list: [JSON], negated: Bool, depth: Int, to out: inout [JSON]) -> Bool {
    for json in list {
      let turned = (json["negated"].bool ?? false) != negated
      if let (key, name) = alias(json), depth < Self.deepest, let inner = members[key]?[name] {
        guard append(inner, negated: turned, depth: depth + 1, to: &out) else { return false }
        continue
      }
      var rest = json.members.filter { $0.name != "negated" }.map { member in
        switch member.name {
        case "useralias", "runasalias": JSONMember("username", member.value)
        case "hostalias": JSONMember("hostname", member.value)
        case "cmndalias": JSONMember("command", member.value)
        default: member
        }
      }
      if turned { rest.append(JSONMember("negated", .bool(true))) }
      guard out.count < Self.longest else { return false }
      out.append(.object(rest))
    }
    return true
  }

  private func alias(_ json: JSON) -> (String, String)? {
    for (_, key) in Self.tables {
      if let name = json[key].text { return (key, name) }
    }
    return nil
  }
}
