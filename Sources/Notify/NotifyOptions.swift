import ByteText

/// What grantwatch-notify(8) was asked to do.
package struct NotifyOptions: Equatable, Sendable {
  package enum Action: Sendable { case run, version, help }

  package var action = Action.run
  package var configurationFile = "/etc/grantwatch/grantwatch.conf"
  package var socket = "/run/grantwatch/control.sock"

  package static let help = """
    Usage: grantwatch-notify [OPTION...]

    Delivers the alerts of grantwatchd to the webhooks of webhooks.d.

      --config FILE   configuration, default /etc/grantwatch/grantwatch.conf
      --socket PATH   control socket, default /run/grantwatch/control.sock
      --version       print the version, and end
      --help          print this text, and end

    It stays in the foreground. SIGHUP begins anew with the configuration as it is then,
    SIGTERM ends it. See grantwatch-notify(8) and grantwatch.conf(5).
    """

  /// An argument that is not understood: one line.
  package struct UsageError: Error, Equatable { package var description: String }

  /// Reads the arguments behind the program's name.
  package init(_ arguments: [String]) throws(UsageError) {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = parts.first.map(String.init) ?? ""
      func value() throws(UsageError) -> String {
        guard let value = parts.count > 1 ? String(parts[1]) : rest.popFirst(), !value.isEmpty
        else {
          throw UsageError(description: "\(name): a value is missing; see grantwatch-notify --help")
        }
        return value
      }
      switch name {
      case "--config": configurationFile = try value()
      case "--socket": socket = try value()
      case "--version": action = .version
      case "--help", "-h": action = .help
      default:
        let known = ["--config", "--socket", "--version", "--help"]
        let hint = nearest(to: name, among: known).map { "; did you mean \($0)?" } ?? ""
        throw UsageError(description: "\(escaped(argument.utf8)): unknown option\(hint)")
      }
      if action != .run { return }
    }
  }
}
