import ByteText
import Grants
import Testing

@Suite struct ConfigurationTests {
  private typealias Samples = ConfigurationSamples

  private func load(sample: String) throws -> (Configuration?, [String]) {
    let text = try Samples.text("\(Samples.samples)/\(sample).conf")
    let (configuration, findings) =
      sample.hasPrefix("webhook")
      ? Samples.load(["grantwatch.conf": "", "webhooks.d/\(sample).conf": text])
      : Samples.load(["grantwatch.conf": text])
    return (
      configuration,
      findings.map { finding in
        var finding = finding
        finding.file = "\(sample).conf"
        return finding.description
      }
    )
  }

  @Test("Every key is read")
  func full() throws {
    let (configuration, findings) = try load(sample: "full")
    #expect(findings == [])
    var expected = Configuration()
    expected.mode = .enforce
    expected.maxRevokesPerMinute = 10
    expected.watch = ["/srv", "/home/data", "/srv/with blank"]
    expected.journalDirectory = "/var/log/journal/remote"
    expected.approvers = ["%ops", "carol"]
    expected.selfApproval = true
    expected.authenticate = .both
    expected.maxApproval = TimeSpan(seconds: 5400)
    expected.adviceLifetime = TimeSpan(seconds: 172_800)
    expected.automationExecutables = ["/usr/bin/dpkg"]
    expected.automationUnits = []
    var rule = Rule(name: "first")
    rule.provenance = [.agentExecuted, .agentAdvised]
    rule.kinds = ["file-*"]
    rule.subject = ["everyone", "user:[a-c]*"]
    rule.object = ["/srv/*", "group:docker"]
    rule.agent = ["claude-*"]
    rule.chainLength = 2...16
    rule.chainMember = ["human:alice", "subagent:*"]
    rule.intent = [.wider, .none]
    rule.minPrompt = .clicked
    rule.promptFrom = .any
    rule.minConfidence = .certain
    rule.inGap = false
    rule.ttl = TimeSpan(seconds: 900)
    rule.warnBefore = TimeSpan(seconds: 300)
    rule.onDeadline = .revoke
    rule.severity = .high
    expected.rules = [rule]
    #expect(configuration == expected)
  }

  @Test(
    "Slips are found, each at its line",
    arguments: [
      ("warnings", true), ("errors", false), ("rules-bad", false), ("webhook-bad", false),
    ])
  func findings(sample: String, usable: Bool) throws {
    let (configuration, findings) = try load(sample: sample)
    let expected = try Samples.text("\(Samples.samples)/\(sample).expected")
    #expect(findings == expected.split(separator: "\n").map(String.init))
    #expect((configuration != nil) == usable)
  }

  @Test("A webhook takes its name from its file")
  func webhook() throws {
    let (configuration, findings) = try load(sample: "webhook-good")
    #expect(findings == [])
    let webhook = try #require(configuration?.webhooks.first)
    #expect(webhook.name == "webhook-good")
    #expect(webhook.url == "https://hooks.example.org:8443/grantwatch?team=a")
    #expect(webhook.format == .slack)
    #expect(webhook.secretFile == "webhook-secret")
    #expect(webhook.wants(type: "grant.detected", severity: .critical))
    #expect(!webhook.wants(type: "grant.detected", severity: .medium))
    #expect(!webhook.wants(type: "source.gap", severity: .critical))
  }

  @Test("Drop-ins override keys and change or add rules, in byte order; empty values reset")
  func dropIns() throws {
    let (configuration, findings) = Samples.load([
      "grantwatch.conf": """
      [Watchdog]
      Mode=alert
      MaxRevokesPerMinute=5
      [Files]
      Watch=/srv
      [Approval]
      Approvers=
      [Rule one]
      Kind=*
      TTL=1min
      OnDeadline=revoke
      [Rule two]
      TTL=2min
      """,
      "grantwatch.conf.d/20-b.conf": "[Watchdog]\nMode=enforce\n[Rule one]\nTTL=10s\n",
      "grantwatch.conf.d/10-a.conf": """
      [Watchdog]
      Mode=observe
      [Files]
      Watch=/data
      [Rule three]
      TTL=3min
      """,
      "grantwatch.conf.d/30-c.conf": "[Watchdog]\nMaxRevokesPerMinute=\n",
      "grantwatch.conf.d/ignored.txt": "[Nonsense]\n",
    ])
    #expect(findings == [])
    let found = try #require(configuration)
    #expect(found.mode == .enforce)
    #expect(found.maxRevokesPerMinute == 600)
    #expect(found.watch == ["/srv", "/data"])
    #expect(found.approvers == [])
    #expect(found.rules.map(\.name) == ["one", "two", "three"])
    #expect(found.rules.first?.ttl == TimeSpan(seconds: 10))
    #expect(found.rules.first?.onDeadline == .revoke)
  }

  @Test("A file that cannot be read, a webhook without URL and text that is not UTF-8 are errors")
  func unreadable() {
    let (none, findings) = Samples.load(["webhooks.d/x.conf": "[Webhook]\nFormat=teams\n"])
    #expect(none == nil)
    #expect(
      findings.map(\.description) == [
        "/etc/grantwatch/grantwatch.conf:1: cannot be read: No such file or directory",
        "/etc/grantwatch/webhooks.d/x.conf:1: URL= is missing",
      ])
    let (other, more) = Configuration.load(
      "grantwatch.conf", read: { _ in .success([0x5b, 0xff, 0x5d]) }, list: { _ in [] })
    #expect(other == nil)
    #expect(more.map(\.description) == ["grantwatch.conf:1: line is not UTF-8"])
  }

  @Test("The shipped files say what the defaults are")
  func shipped() throws {
    let folder = Samples.root + "/etc/grantwatch/"
    let text = try Samples.text(folder + "grantwatch.conf")
    let (configuration, findings) = Samples.load(["grantwatch.conf": text])
    #expect(findings == [])
    let found = try #require(configuration)
    #expect(
      found.rules.map(\.name) == [
        "agents", "advised", "human-via-agent", "wider-than-approved", "unknown-in-gap", "hint",
      ])
    var plain = found
    plain.rules = []
    #expect(plain == Configuration())
    let uncommented = text.split(separator: "\n").map { line in
      let isSetting = line.contains("=") || line.hasPrefix("#[")
      return line.hasPrefix("#") && !line.hasPrefix("# ") && isSetting ? line.dropFirst() : line
    }
    let (spelledOut, more) = Samples.load([
      "grantwatch.conf": uncommented.joined(separator: "\n")
    ])
    #expect(more == [])
    #expect(spelledOut?.watch == Configuration().watch)
    var rest = try #require(spelledOut)
    rest.rules = []
    // An example of what has no default.
    #expect(rest.logFiles.map(\.name) == ["kubernetes"])
    rest.logFiles = []
    #expect(rest == Configuration())

    let sample = try Samples.text(folder + "webhooks.d/example.conf.sample")
    let (withHook, hookFindings) = Samples.load([
      "grantwatch.conf": text, "webhooks.d/example.conf": sample,
    ])
    #expect(hookFindings == [])
    #expect(withHook?.webhooks.first?.secretFile == "webhook-secret")
  }

  @Test(
    "Plain http is for loopback only",
    arguments: [
      ("https://hooks.example.org/x", true), ("https://[2001:db8::1]:8443/x", true),
      ("http://127.0.0.1:8080/hook", true), ("http://127.9.8.7/", true), ("http://[::1]/", true),
      ("HTTP://LocalHost:1/", true), ("http://127.0.0.1.example.org/", false),
      ("http://127.1/", false), ("http://localhost.example.org/", false),
      ("http://localhost@example.org/", false), ("http://localhost\\@example.org/", false),
      ("http://localhost#@example.org/", false), ("https://", false), ("ftp://localhost/", false),
      ("https://a b/", false), ("https://a:0/", false), ("https://a:70000/", false),
      ("https://a\nurl=b", false), ("https://a\"/", false), ("http://example.org/", false),
    ])
  func addresses(text: String, isGood: Bool) {
    #expect(((try? WebhookURL(text)) != nil) == isGood)
  }
}
