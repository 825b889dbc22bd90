import ByteText
import Grants
import Testing

@Suite struct ConnectorConfigurationTests {
  private typealias Samples = ConfigurationSamples

  private func load(_ text: String, name: String = "shop") -> (Configuration?, [String]) {
    let (configuration, findings) = Samples.load([
      "grantwatch.conf": "", "connectors.d/\(name).conf": text,
    ])
    return (configuration, findings.map(\.description))
  }

  @Test("A connector has a user, and defaults")
  func defaults() throws {
    let (configuration, findings) = load("[Connector]\nUser=shop-watch\n")
    #expect(findings == [])
    let connector = try #require(configuration?.connectors.first)
    #expect(connector.kind?.rawValue == "connector:shop" && connector.user == "shop-watch")
    #expect(connector.staleAfter == TimeSpan(seconds: 300) && connector.maxEntries == 10_000)
  }

  @Test("The shipped sample says what the defaults are")
  func sample() throws {
    let sample = try Samples.text(
      Samples.root + "/etc/grantwatch/connectors.d/postgresql.conf.sample")
    let (configuration, findings) = load(sample, name: "postgresql")
    #expect(findings == [])
    var expected = ConnectorConfiguration(name: "postgresql")
    expected.user = "grantwatch-postgresql"
    #expect(configuration?.connectors == [expected])
    let spelledOut = sample.split(separator: "\n").map { line in
      line.hasPrefix("#") && line.contains("=") ? line.dropFirst() : line
    }
    #expect(
      load(spelledOut.joined(separator: "\n"), name: "postgresql").0?.connectors == [expected])
  }

  @Test(
    "What is wrong is said",
    arguments: [
      ("[Connector]\nStaleAfter=1h\n", "shop", "User= is missing"),
      ("[Connector]\nUser=a b\n", "shop", "bad value 'a b' for User=: an account's name expected"),
      ("[Connector]\nUser=a\nMaxEntries=0\n", "shop", "a number from 1 to 200000 expected"),
      ("[Connector]\nUser=a\n", "a b", "a connector's name has letters, digits and '-'"),
    ])
  func errors(text: String, name: String, message: String) {
    let (configuration, findings) = load(text, name: name)
    #expect(configuration == nil)
    #expect(findings.contains { $0.contains(message) }, "\(findings)")
  }

  @Test("An unknown key is a warning with the nearest one")
  func warnings() {
    let (configuration, findings) = load("[Connector]\nUser=a\nMaxEntrie=3\n[Conector]\n")
    #expect(configuration?.connectors.count == 1)
    #expect(findings.contains { $0.contains("'MaxEntrie'") && $0.contains("'MaxEntries'") })
    #expect(findings.contains { $0.contains("did you mean 'Connector'?") })
  }
}
