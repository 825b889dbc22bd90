import ByteText
import PostgreSQLConnector
import Testing

@Suite struct OptionsTests {
  @Test("Options are read, and those that are not known are told with the nearest one")
  func options() throws {
    let options = try ConnectorOptions([
      "--interval", "30s", "--host=/run/pg", "--user", "watch", "--terminate", "--name", "pg2",
    ])
    #expect(options.interval == TimeSpan(seconds: 30) && options.host == "/run/pg")
    #expect(options.user == "watch" && options.terminates && options.name == "pg2")
    #expect(options.database == "postgres")
    for (arguments, text) in [
      (["--intervall", "1s"], "--intervall: unknown option; did you mean --interval?"),
      (["--interval", "10ms"], "--interval: 10ms: a time span of 1s or more expected"),
      (["--host"], "--host: a value is missing; see grantwatch-postgresql --help"),
    ] {
      let error = #expect(throws: ConnectorOptions.UsageError.self) {
        try ConnectorOptions(arguments)
      }
      #expect(error?.description == text)
    }
    #expect(try ConnectorOptions(["--help", "--nonsense"]).action == .help)
  }

  @Test("What psql prints is read value by value, and what is no JSON is an error")
  func values() throws {
    let output = "[{\"a\":1}, \n {\"a\":2}]\n{\"b\" : \"x\"}\n"
    let values = try PSQL.values(Array(output.utf8))
    #expect(values.count == 2 && values.first?.elements.count == 2)
    #expect(values.last?["b"].text == "x")
    #expect(try PSQL.values([]).isEmpty)
    for bad in ["NOTICE: hello\n", "[1,\n", "{\"a\":1}\nt\n", "\u{1}"] {
      #expect(throws: PSQLError.self) { try PSQL.values(Array(bad.utf8)) }
    }
  }
}
