import ByteText
import Glibc
import LinuxKit
import Scratch
import Testing

/// A stage on which a row of the table is played, with the server that its kind needs.
final class KindStage {
  let play: KindPlay
  let stage: Stage
  let server: PostgresServer?

  init(_ play: KindPlay) throws {
    self.play = play
    stage = try Stage(prepare: play.prepare)
    server = play.needsServer ? try PostgresServer(stage.scratch) : nil
    try server?.start()
    server?.sql(
      """
      CREATE ROLE app LOGIN; CREATE ROLE boss; CREATE ROLE dba_bot SUPERUSER LOGIN;
      CREATE TABLE t1 (a int); GRANT INSERT ON t1 TO boss;
      """)
  }

  func start() throws {
    try stage.start()
    guard let server else { return }
    try server.startConnector()
    _ = try stage.wait("a report") {
      let listed = try stage.call("Connector.List")["connectors"].elements.first
      return listed?["state"].text == "ok" && listed?["reports"].integer ?? 0 > 0 ? true : nil
    }
  }

  func stop() {
    server?.stopConnector()
    stage.stop()
  }

  /// Runs a line as nobody's: the daemon is down, or it changes nothing.
  @discardableResult
  func shell(_ line: String) -> String {
    let path = stage.scratch.path
    let result = Spawn.runAndWait(
      "/bin/bash", ["-c", "S=\(path) D=\(path)/root/srv; cd $S; \(line)"],
      environment: Spawn.plainEnvironment)
    return String(decoding: result.output, as: UTF8.self)
  }

  func look() -> String { shell(play.look) }

  /// Has the agent play the row's act, or another one; the grant that comes of it.
  func give(_ act: String? = nil, object: String? = nil) throws -> JSON {
    try stage.agent(act ?? play.act)
    return try stage.grant("a grant of \(play.kind)") {
      $0["kind"].text == play.kind && $0["object"].text == object ?? play.grant.object
    }
  }

  func revoke(_ id: String) throws -> JSON {
    try stage.call("Revoke", [("ids", stage.ids(id))])["results"].elements.first ?? .null
  }

  /// Waits until it is known who still uses what was taken back.
  func outcome(_ id: String) throws -> JSON {
    try stage.wait("the outcome of \(id)") {
      let grant = try stage.show(id)
      return grant["state"].text == "ended" && grant["outcome"].text != nil ? grant : nil
    }
  }

  /// Owners, modes, lists, capabilities and contents of the tree's files, the tools' backups left out.
  func tree() -> String {
    shell(
      """
      cd root && find . -type f ! -name '*-' ! -name '*.lock' -printf '%p %m %U:%G\\n' \
      -exec sha256sum {} + -exec getfacl -np {} + -exec getcap {} + | sort
      """)
  }
}
