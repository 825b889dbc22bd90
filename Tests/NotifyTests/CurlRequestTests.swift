import Grants
import Notify
import Testing

@Suite struct CurlRequestTests {
  private func request(
    _ url: String, headers: [(name: String, value: String)] = [], body: String = "{}"
  ) -> CurlRequest {
    var webhook = WebhookConfiguration(name: "w")
    webhook.url = url
    return CurlRequest(webhook: webhook, headers: headers, body: Array(body.utf8))
  }

  private func lines(_ request: CurlRequest) throws -> [String] {
    String(decoding: try request.configuration(), as: UTF8.self).split(separator: "\n").map(
      String.init)
  }

  @Test("Quotes, backslashes and newlines stay within their value")
  func escaping() throws {
    let hostile = "a\"b\\c\nurl = \"http://example.org\"\t\r\u{b}"
    #expect(
      String(decoding: curlQuoted(hostile.utf8), as: UTF8.self)
        == #""a\"b\\c\nurl = \"http://example.org\"\t\r\v""#)
    let found = try lines(request("https://a.example/", body: hostile))
    #expect(found.filter { $0.hasPrefix("url") } == ["url = \"https://a.example/\""])
    #expect(found.last == #"json = "a\"b\\c\nurl = \"http://example.org\"\t\r\v""#)
    let quoted = try lines(
      request("https://a.example/", headers: [(name: "x-a", value: "say \"hi\" \\")]))
    #expect(quoted.contains(#"header = "x-a: say \"hi\" \\""#))
  }

  @Test(
    "A header with a control character and an address with what does not belong are refused",
    arguments: [
      ("https://a.example/", "a\r\nhost: b"), ("https://a.example/", "a\nb"),
      ("https://a.example/\nproxy = x", "a"), ("https://a.example/\"x", "a"),
      ("http://a.example/", "a"), ("file:///etc/shadow", "a"), ("https://u:p@a.example/", "a"),
    ])
  func refusal(url: String, header: String) {
    #expect(throws: CurlRequest.Refusal.self) {
      try request(url, headers: [(name: "x-a", value: header)]).configuration()
    }
  }

  @Test("One scheme, no redirects; a loopback address goes by no proxy")
  func limits() throws {
    var secure = request("https://a.example/")
    secure.webhook.proxy = "http://proxy.example:3128"
    secure.webhook.caFile = "/etc/ssl/own.pem"
    let found = try lines(secure)
    #expect(found.contains("proto = \"=https\""))
    #expect(found.contains("max-redirs = \"0\""))
    #expect(found.contains("proxy = \"http://proxy.example:3128\""))
    #expect(found.contains("cacert = \"/etc/ssl/own.pem\""))
    #expect(!found.contains { $0.hasPrefix("location") })
    var local = request("http://127.0.0.1:1/")
    local.webhook.proxy = "http://proxy.example:3128"
    let plain = try lines(local)
    #expect(plain.contains("proto = \"=http\""))
    #expect(plain.contains("noproxy = \"*\""))
    #expect(!plain.contains { $0.hasPrefix("proxy") })
    #expect(CurlRequest.arguments == ["-q", "-K", "-"])
  }

  @Test("A long body goes in pieces that curl joins, none of which begins like a file's name")
  func pieces() throws {
    let body = String(repeating: "x", count: 39_999) + String(repeating: "@", count: 3) + "y"
    let found = try lines(request("https://a.example/", body: body)).filter {
      $0.hasPrefix("json")
    }
    #expect(found.count == 2)
    #expect(found.allSatisfy { !$0.hasPrefix("json = \"@") })
    #expect(found.map { String($0.dropFirst(8).dropLast()) }.joined() == body)
  }
}
