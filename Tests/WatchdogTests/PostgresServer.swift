import Glibc
import LinuxKit
import Scratch
import Testing

/// A PostgreSQL server of its own on a Unix socket in the stage's folder, run by the account
/// postgres, and the connector that watches it.
final class PostgresServer {
  static let binaries: String? = SmallFile.names(in: "/usr/lib/postgresql")
    .max { (Int($0) ?? 0) < (Int($1) ?? 0) }.map { "/usr/lib/postgresql/\($0)/bin" }
    .flatMap { (path: String) in access(path + "/postgres", X_OK) == 0 ? path : nil }

  private let scratch: Scratch
  private let binaries: String
  private var server: ChildProcess?
  private var connector: ChildProcess?

  private static let asPostgres = [
    "--reuid=postgres", "--regid=postgres", "--init-groups", "--no-new-privs",
  ]

  /// Has the stage know the connector, and dba_bot for an agent's role.
  static func describe(_ scratch: Scratch) {
    scratch.folder("etc/connectors.d")
    scratch.file("etc/connectors.d/postgresql.conf", 0o644, text: "[Connector]\nUser=postgres\n")
    scratch.file(
      "etc/agents.d/dba.conf", 0o644, text: "[Agent]\nName=dba\n[Match]\nUser=dba_bot\n")
  }

  init(_ scratch: Scratch) throws {
    self.scratch = scratch
    binaries = try #require(Self.binaries)
    scratch.folder("pg")
    try #require(Scratch.run("/bin/chown", ["postgres", "\(scratch.path)/pg"]) == 0)
    let made = Spawn.runAndWait(
      "/usr/bin/setpriv",
      Self.asPostgres + [
        "\(binaries)/initdb", "-D", "\(scratch.path)/pg/data", "-A", "trust", "-U", "postgres",
        "-E", "UTF8", "--no-sync",
      ])
    try #require(made.succeeded)
    // What runs as postgres must be able to read its program.
    Scratch.run(
      "/bin/cp", [BuiltProgram.path("grantwatch-postgresql"), "\(scratch.path)/connector"])
    scratch.chmod("connector", 0o755)
  }

  deinit {
    stopConnector()
    stop()
  }

  func start() throws {
    server = try ChildProcess(
      "/usr/bin/setpriv",
      Self.asPostgres + [
        "\(binaries)/postgres", "-D", "\(scratch.path)/pg/data", "-k", "\(scratch.path)/pg", "-c",
        "listen_addresses=", "-c", "fsync=off", "-c", "log_statement=ddl",
      ], log: "\(scratch.path)/pg.log")
    for _ in 0..<3000 {
      if sql("SELECT 1") == "1\n" { return }
      usleep(10_000)
    }
    Issue.record("postgres does not start: see pg.log")
  }

  /// Ends the server at once: sessions too.
  func stop() {
    server?.signal(SIGINT)
    server?.wait()
    server = nil
  }

  func startConnector(_ arguments: [String] = []) throws {
    connector = try ChildProcess(
      "/usr/bin/setpriv",
      Self.asPostgres + [
        "\(scratch.path)/connector", "--socket", "\(scratch.path)/run/control.sock", "--host",
        "\(scratch.path)/pg", "--interval", "1s",
      ] + arguments, log: "\(scratch.path)/connector.log")
  }

  func stopConnector() {
    connector?.signal(SIGTERM)
    connector?.wait()
    connector = nil
  }

  /// What psql prints.
  @discardableResult
  func sql(_ text: String, database: String = "postgres") -> String {
    let result = Spawn.runAndWait(
      "/usr/bin/psql", ["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1"],
      environment: Spawn.plainEnvironment + [
        ("PGHOST", "\(scratch.path)/pg"), ("PGUSER", "postgres"), ("PGDATABASE", database),
      ], input: Array((text + "\n").utf8))
    return String(decoding: result.output, as: UTF8.self)
  }
}
