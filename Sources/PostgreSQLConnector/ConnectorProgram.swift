import ByteText
import Control
import Dispatch
import Grants
import LinuxKit

/// grantwatch-postgresql(8) from its arguments to its end; returns the exit status.
package func runPostgreSQLConnector(_ arguments: [String]) -> Int32 {
  let options: ConnectorOptions
  do throws(ConnectorOptions.UsageError) {
    options = try ConnectorOptions(Array(arguments.dropFirst()))
  } catch {
    say(error.description)
    return 2
  }
  switch options.action {
  case .help:
    print(ConnectorOptions.help)
    return 0
  case .version:
    print("grantwatch-postgresql \(Version.text)")
    return 0
  case .run: serve(options)
  }
}

private func say(_ text: String) {
  let line = Array("grantwatch-postgresql: \(text)\n".utf8)
  try? StandardStream.error.write(line[...])
}

private func serve(_ options: ConnectorOptions) -> Never {
  let server = DatabaseServer(
    psql: PSQL(
      host: options.host, port: options.port, user: options.user,
      maintenanceDatabase: options.database),
    terminates: options.terminates)
  let orders = Orders()
  // A serial queue of its own has a thread of its own while it hears.
  DispatchQueue(label: "orders").async { orders.listen(to: options.socket, as: options.name) }
  var said = ""
  while true {
    do throws(ControlClientError) {
      let reporter = try Reporter(socket: options.socket, name: options.name)
      try reporter.call("GetLimits")
      said = ""
      try serve(reporter, server, orders, options)
    } catch {
      if "\(error)" != said { say("\(error)") }
      said = "\(error)"
    }
    SystemClock.pause(milliseconds: 2000)
  }
}

/// The longest wait after failures of the server.
private let longestWait = TimeSpan(seconds: 60)

/// Looks, reports, and does what it is asked, until the daemon is gone.
private func serve(
  _ first: Reporter, _ server: DatabaseServer, _ orders: Orders, _ options: ConnectorOptions
) throws(ControlClientError) {
  var reporter = first
  var wait = options.interval
  var said = ""
  while true {
    switch Result(catching: { () throws(PSQLError) in try server.read() }) {
    case .success(let state):
      try reporter.report(state)
      wait = options.interval
      said = ""
    case .failure(let error):
      if error.description != said { say("\(error)") }
      said = error.description
      try reporter.report(problem: "PostgreSQL: \(error)")
      wait = min(TimeSpan(microseconds: wait.microseconds * 2), max(longestWait, options.interval))
    }
    for case .revoke(let revocation) in orders.take(within: wait) {
      try answer(revocation, server, reporter)
    }
  }
}

private func answer(
  _ revocation: JSON, _ server: DatabaseServer, _ reporter: Reporter
) throws(ControlClientError) {
  guard let id = revocation["id"].text else { return }
  let asked = revocation["entries"].elements
  let entries = asked.compactMap { ReportedEntry(asked: $0["entry"]) }
  let result =
    entries.count == asked.count && !entries.isEmpty
    ? server.revoke(entries)
    : RevocationResult(outcome: "impossible", text: "its entries are not those of this connector")
  do throws(ControlClientError) {
    try reporter.call(
      "Revoked",
      [
        JSONMember("revocation", .string(id)), JSONMember("outcome", .string(result.outcome)),
        JSONMember("text", .string(result.text)),
        JSONMember("residue", .array(result.residue.map { .string($0) })),
      ])
  } catch .refused(.notFound) {
    // Too late, or asked by a daemon that has ended: it asks again.
  }
}
