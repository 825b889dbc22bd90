package import ByteText

/// What grantwatch-postgresql(8) was asked to do.
package struct ConnectorOptions: Equatable, Sendable {
  package enum Action: Sendable { case run, version, help }

  package var action = Action.run
  package var name = "postgresql"
  package var socket = "/run/grantwatch/control.sock"
  /// Seconds between two looks.
  package var interval = TimeSpan(seconds: 5)
  package var host: String?
  package var port: String?
  package var user: String?
  package var database = "postgres"
  package var terminates = false

  package static let help = """
    Usage: grantwatch-postgresql [OPTION...]

    Reports the roles and privileges of a PostgreSQL server to grantwatchd, and takes back
    what it is asked to.

      --name NAME       the connector's name, as in connectors.d [postgresql]
      --interval SPAN   time between two looks at the server [5s]
      --host HOST       the server's host, or the folder of its socket
      --port PORT       the server's port
      --user ROLE       the role to connect as, a superuser [the account's name]
      --database NAME   the database in which roles are read [postgres]
      --terminate       end the sessions of a role that lost an attribute or a membership
      --socket PATH     control socket [/run/grantwatch/control.sock]
      --version         print the version, and end
      --help            print this text, and end

    It stays in the foreground. See grantwatch-postgresql(8) and grantwatch-connectors(7).
    """

  /// An argument that is not understood: one line.
  package struct UsageError: Error, Equatable { package var description: String }

  /// Reads the arguments behind the program's name.
  package init(_ arguments: [String]) throws(UsageError) {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let option = parts.first.map(String.init) ?? ""
      func value() throws(UsageError) -> String {
        guard let value = parts.count > 1 ? String(parts[1]) : rest.popFirst(), !value.isEmpty
        else {
          throw UsageError(
            description: "\(option): a value is missing; see grantwatch-postgresql --help")
        }
        return value
      }
      switch option {
      case "--name": name = try value()
      case "--socket": socket = try value()
      case "--interval":
        let text = try value()
        guard let span = TimeSpan(text), span >= TimeSpan(seconds: 1) else {
          throw UsageError(
            description: "--interval: \(escaped(text.utf8)): a time span of 1s or more expected")
        }
        interval = span
      case "--host": host = try value()
      case "--port": port = try value()
      case "--user": user = try value()
      case "--database": database = try value()
      case "--terminate": terminates = true
      case "--version": action = .version
      case "--help", "-h": action = .help
      default:
        let known = [
          "--name", "--socket", "--interval", "--host", "--port", "--user", "--database",
          "--terminate", "--version", "--help",
        ]
        let hint = nearest(to: option, among: known).map { "; did you mean \($0)?" } ?? ""
        throw UsageError(description: "\(escaped(argument.utf8)): unknown option\(hint)")
      }
      if action != .run { return }
    }
  }
}
