import ByteText
import LinuxKit

/// What grantwatchd(8) was asked to do.
struct DaemonOptions {
  enum Action { case run, backstop, checkConfiguration, version, help }

  var action = Action.run
  var configurationFile = "/etc/grantwatch/grantwatch.conf"
  var root: [UInt8] = []
  var stateDirectory = "/var/lib/grantwatch"
  var runtimeDirectory = "/run/grantwatch"

  static let help = """
    Usage: grantwatchd [OPTION...]

    Watches access grants on this host, keeps the time each stays active, and ends or
    reports those that came from an AI agent and that no human approved.

      --config FILE             configuration, default /etc/grantwatch/grantwatch.conf
      --root DIR                take accounts and watched paths below DIR
      --state-directory DIR     ledger and baseline, default /var/lib/grantwatch
      --runtime-directory DIR   control socket, default /run/grantwatch
      --backstop                carry out what is overdue and end; at once where a daemon runs
      --check-config            print what is wrong with the configuration, and end
      --version                 print the version, and end
      --help                    print this text, and end

    It stays in the foreground. SIGHUP reads the configuration again, SIGTERM ends it.
    See grantwatchd(8) and grantwatch.conf(5).
    """

  struct UsageError: Error, CustomStringConvertible {
    var description: String
  }

  init(_ arguments: [String]) throws(UsageError) {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      func value() throws(UsageError) -> String {
        if parts.count > 1 { return String(parts[1]) }
        guard let next = rest.popFirst() else {
          throw UsageError(description: "\(name): a value is missing; see grantwatchd --help")
        }
        return next
      }
      switch name {
      case "--config": configurationFile = try value()
      case "--root": root = Self.withoutSlash(try absolute(try value(), name))
      case "--state-directory": stateDirectory = try absolute(try value(), name)
      case "--runtime-directory": runtimeDirectory = try absolute(try value(), name)
      case "--backstop": action = .backstop
      case "--check-config": action = .checkConfiguration
      case "--version": action = .version
      case "--help", "-h": action = .help
      default:
        let known = [
          "--config", "--root", "--state-directory", "--runtime-directory", "--backstop",
          "--check-config", "--version", "--help",
        ]
        let hint = nearest(to: name, among: known).map { "; did you mean \($0)?" } ?? ""
        throw UsageError(
          description: "\(escaped(Array(name.utf8))): unknown option\(hint)")
      }
      if action == .help || action == .version { return }
    }
  }

  private func absolute(_ path: String, _ option: String) throws(UsageError) -> String {
    guard !path.isEmpty else { throw UsageError(description: "\(option): the path is empty") }
    return path.hasPrefix("/") ? path : WorkingDirectory.current + "/" + path
  }

  private static func withoutSlash(_ path: String) -> [UInt8] {
    var bytes = Array(path.utf8)
    while bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
    return bytes
  }
}
