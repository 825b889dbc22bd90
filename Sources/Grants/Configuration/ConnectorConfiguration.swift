package import ByteText

/// One `connectors.d/NAME.conf`: a program that reports access in another system and takes it back.
package struct ConnectorConfiguration: Equatable, Sendable {
  /// The file's name without `.conf`; its grants are of kind `connector:NAME`.
  package var name: String
  /// The account whose uid may speak for it, beside root.
  package var user = ""
  /// No report for that long, and the state counts as unknown.
  package var staleAfter = TimeSpan(seconds: 300)
  /// Entries that it may report.
  package var maxEntries = 10_000

  package init(name: String) { self.name = name }

  /// The kind of its grants; nil for a name that no kind can have.
  package var kind: GrantKind? { GrantKind(rawValue: "connector:\(name)") }
}

/// The keys of `[Connector]`.
let connectorSettings: [Setting<ConnectorConfiguration>] = [
  Setting("User") { (connector, value) throws(BadValue) in
    let text = value.entry.value
    guard text.isEmpty || isAccountName(text[...]) else {
      throw BadValue(message: "bad value '\(text)' for User=: an account's name expected")
    }
    connector.user = text
  },
  Setting("StaleAfter") { (connector, value) throws(BadValue) in
    connector.staleAfter = try value.span() ?? TimeSpan(seconds: 300)
  },
  Setting("MaxEntries") { (connector, value) throws(BadValue) in
    connector.maxEntries = try value.number(default: 10_000, in: 1...200_000)
  },
]
