package import ByteText
import LinuxKit

/// Why a server did not do what it was asked; for people, one line.
package struct PSQLError: Error, Equatable, CustomStringConvertible {
  package var description: String
}

/// psql(1), which speaks with the server: SQL on its standard input, JSON on its output. Names and
/// values from outside go in as variables, which psql quotes, or through the environment.
package struct PSQL: Sendable {
  static let program = "/usr/bin/psql"
  private static let outputLimit = 64 << 20

  /// A folder for a Unix socket, or a host; nil for libpq's default.
  var host: String?
  var port: String?
  var user: String?
  /// The database in which roles are read.
  var maintenanceDatabase = "postgres"

  /// Runs a script in a database; the texts of its output's lines.
  func run(
    _ script: String, database: String? = nil, variables: [(String, String)] = []
  ) throws(PSQLError) -> [JSON] {
    var environment = Spawn.plainEnvironment
    environment += [
      // As an argument a name with '=' in it would be a connection string.
      ("PGDATABASE", database ?? maintenanceDatabase), ("PGAPPNAME", "grantwatch-postgresql"),
      ("PGCONNECT_TIMEOUT", "10"), ("PGCLIENTENCODING", "UTF8"), ("PGTZ", "UTC"),
      ("PGOPTIONS", "-c statement_timeout=60000 -c client_min_messages=error"),
    ]
    if let host { environment.append(("PGHOST", host)) }
    if let port { environment.append(("PGPORT", port)) }
    if let user { environment.append(("PGUSER", user)) }
    for name in ["PGPASSFILE", "PGSSLMODE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY", "HOME"] {
      if let value = ThisProcess.environment(name) { environment.append((name, value)) }
    }
    var arguments = ["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "--no-password"]
    for (name, value) in variables { arguments += ["-v", "\(name)=\(value)"] }
    let result = Spawn.runAndWait(
      Self.program, arguments, environment: environment,
      // Nobody's functions are called in place of the catalog's.
      input: Array(("SET search_path = '';\n" + script).utf8), outputLimit: Self.outputLimit,
      timeout: 90_000_000)
    guard result.succeeded else { throw Self.failure(result) }
    guard !result.truncated else {
      throw PSQLError(description: "psql: more than \(Self.outputLimit) bytes of output")
    }
    return try Self.values(result.output)
  }

  /// The JSON values in an output: each begins a line, and arrays may go on over several.
  package static func values(_ output: [UInt8]) throws(PSQLError) -> [JSON] {
    var values: [JSON] = []
    var waiting: [UInt8] = []
    for line in output.split(separator: 0x0a) {
      waiting += line
      do throws(JSONError) {
        values.append(try JSON.parse(waiting))
        waiting = []
      } catch {
        waiting.append(0x0a)
      }
    }
    guard waiting.isEmpty else {
      throw PSQLError(description: "psql: its output is not JSON: \(escaped(waiting.prefix(80)))")
    }
    return values
  }

  private static func failure(_ result: SpawnResult) -> PSQLError {
    let lines = result.errors.split(separator: 0x0a)
    let told =
      lines.first { line in
        String(decoding: line, as: UTF8.self).contains("ERROR:")
      } ?? lines.first
    if let told { return PSQLError(description: escaped(told.prefix(400))) }
    switch result.status {
    case .failed(let error): return PSQLError(description: "\(error)")
    case .timedOut: return PSQLError(description: "psql: no end within 90 s")
    case .exited(let status): return PSQLError(description: "psql: exit status \(status)")
    case .signalled(let number): return PSQLError(description: "psql: killed by signal \(number)")
    }
  }
}
