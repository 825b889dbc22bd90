import ByteText
import Control
package import Grants

/// One POST as configuration text of curl(1), read by it on standard input: nothing of it shows in
/// an argument or a file.
package struct CurlRequest: Equatable, Sendable {
  package var webhook: WebhookConfiguration
  /// Name and value; neither may hold a control character.
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]

  package init(
    webhook: WebhookConfiguration, headers: [(name: String, value: String)], body: [UInt8]
  ) {
    self.webhook = webhook
    self.headers = headers
    self.body = body
  }

  package static func == (left: Self, right: Self) -> Bool {
    left.webhook == right.webhook && left.body == right.body
      && left.headers.elementsEqual(right.headers, by: ==)
  }

  /// `-q`: no file of a user is read; `-K -`: the configuration comes on standard input.
  package static let arguments = ["-q", "-K", "-"]

  /// A try takes at most this long, in seconds.
  package static let longestTry = 30

  /// Why a request is not sent: one line.
  package struct Refusal: Error, Equatable { package var reason: String }

  /// The configuration text.
  package func configuration() throws(Refusal) -> [UInt8] {
    let url: WebhookURL
    do throws(WebhookURL.Problem) {
      url = try WebhookURL(webhook.url)
    } catch {
      throw Refusal(reason: "URL \(error.reason)")
    }
    var text: [UInt8] = []
    func flag(_ name: String) { text.append(contentsOf: "\(name)\n".utf8) }
    func option(_ name: String, _ value: some Collection<UInt8>) {
      text.append(contentsOf: "\(name) = ".utf8)
      text.append(contentsOf: curlQuoted(value))
      text.append(0x0a)
    }
    flag("silent")
    flag("show-error")
    flag("globoff")
    option("url", webhook.url.utf8)
    option("proto", (url.isSecure ? "=https" : "=http").utf8)
    option("max-redirs", "0".utf8)
    option("user-agent", "grantwatch-notify/\(Version.text)".utf8)
    option("connect-timeout", "10".utf8)
    option("max-time", "\(Self.longestTry)".utf8)
    option("max-filesize", "65536".utf8)
    option("output", "/dev/null".utf8)
    option("write-out", "%{http_code} %header{retry-after}\n".utf8)
    if url.isSecure {
      if let proxy = webhook.proxy { option("proxy", proxy.utf8) }
      if let file = webhook.caFile { option("cacert", file.utf8) }
      if let file = webhook.clientCertificate { option("cert", file.utf8) }
      if let file = webhook.clientKey { option("key", file.utf8) }
    } else {
      option("noproxy", "*".utf8)
    }
    for (name, value) in headers + [("expect", "")] {
      guard !(name + value).utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else {
        throw Refusal(reason: "header \(escaped(name.utf8)) has a control character")
      }
      option("header", value.isEmpty ? "\(name):".utf8 : "\(name): \(value)".utf8)
    }
    for piece in Self.pieces(of: body) { option("json", piece) }
    return text
  }

  /// The body in pieces that curl's longest line (100 KiB) holds even when every byte is escaped,
  /// and that it joins again. A piece that began with `@` would be taken for a file's name.
  static func pieces(of body: [UInt8]) -> [ArraySlice<UInt8>] {
    let size = 40_000
    var pieces: [ArraySlice<UInt8>] = []
    var start = 0
    while start < body.count {
      var end = min(start + size, body.count)
      while end < body.count, end > start + 1, body[end] == UInt8(ascii: "@") { end -= 1 }
      pieces.append(body[start..<end])
      start = end
    }
    return pieces
  }
}

/// A value between quotes as curl reads them: backslash, quote, tab, newline, carriage return and
/// vertical tab are escaped.
package func curlQuoted(_ value: some Collection<UInt8>) -> [UInt8] {
  var text: [UInt8] = [UInt8(ascii: "\"")]
  for byte in value {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): text.append(contentsOf: [0x5c, byte])
    case 0x09: text.append(contentsOf: "\\t".utf8)
    case 0x0a: text.append(contentsOf: "\\n".utf8)
    case 0x0d: text.append(contentsOf: "\\r".utf8)
    case 0x0b: text.append(contentsOf: "\\v".utf8)
    default: text.append(byte)
    }
  }
  text.append(UInt8(ascii: "\""))
  return text
}
