import ByteText

/// The shape in which an endpoint wants its events.
package enum WebhookFormat: String, Sendable, CaseIterable {
  case cloudevents, slack, teams, pagerduty, alertmanager
}

/// One `webhooks.d/NAME.conf`.
package struct WebhookConfiguration: Equatable, Sendable {
  /// The file's name without `.conf`: the endpoint's name.
  package var name: String
  package var url = ""
  package var format = WebhookFormat.cloudevents
  /// Globs on the event's type (`grant.*`).
  package var events = ["*"]
  package var minSeverity = Severity.low
  /// An absolute path, or the bare name of a systemd credential.
  package var secretFile: String?
  /// Certificates (PEM) that are trusted instead of the system's.
  package var caFile: String?
  package var clientCertificate: String?
  package var clientKey: String?
  package var proxy: String?

  package init(name: String) { self.name = name }

  /// True when an event of this type, without `io.grantwatch.`, and severity is wanted here.
  package func wants(type: String, severity: Severity) -> Bool {
    severity >= minSeverity && events.contains { glob($0, matches: type) }
  }
}

/// An address to post to, taken apart as far as its safety needs.
package struct WebhookURL: Equatable, Sendable {
  package var isSecure: Bool
  package var host: String

  /// Why an address is refused.
  package struct Problem: Error, Equatable { package var reason: String }

  /// Reads `https://HOST…`, or `http://HOST…` where HOST is this host: 127.0.0.0/8, [::1],
  /// localhost. Only the characters of RFC 3986 may stand in it, and no name or password, so that
  /// no two readers of it disagree about the host.
  package init(_ text: String) throws(Problem) {
    let bytes = Array(text.utf8)
    let other = Set("-._~:/?#[]!$&'()*+,;=%".utf8)
    for byte in bytes where !(isAlphanumeric(byte) || other.contains(byte)) {
      throw Problem(reason: "has a character that must not stand in a URL, or a name before '@'")
    }
    let lower = text.lowercased()
    if lower.hasPrefix("https://") {
      isSecure = true
    } else if lower.hasPrefix("http://") {
      isSecure = false
    } else {
      throw Problem(reason: "does not begin with 'https://'")
    }
    let rest = Array(lower.utf8)[(isSecure ? 8 : 7)...]
    let authority = rest.prefix { !"/?#".utf8.contains($0) }
    var name = authority
    var port: ArraySlice<UInt8> = []
    if authority.first == UInt8(ascii: "[") {
      guard let close = authority.firstIndex(of: UInt8(ascii: "]")) else {
        throw Problem(reason: "has a '[' without ']'")
      }
      name = authority[...close]
      port = authority[(close + 1)...]
    } else if let colon = authority.firstIndex(of: UInt8(ascii: ":")) {
      name = authority[..<colon]
      port = authority[colon...]
    }
    host = String(decoding: name, as: UTF8.self)
    guard !host.isEmpty else { throw Problem(reason: "names no host") }
    if !port.isEmpty {
      guard port.first == UInt8(ascii: ":"), let number = decimal(port.dropFirst()),
        (1...65535).contains(number)
      else { throw Problem(reason: "has a port that is not 1 to 65535") }
    }
    guard isSecure || Self.isLoopback(host) else {
      throw Problem(reason: "is plain http; that is for loopback only, use 'https://'")
    }
  }

  private static func isLoopback(_ host: String) -> Bool {
    if host == "localhost" || host == "[::1]" { return true }
    let parts = host.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 4, parts[0].elementsEqual("127".utf8) else { return false }
    return parts.allSatisfy { $0.count <= 3 && (decimal($0) ?? 256) < 256 }
  }
}
