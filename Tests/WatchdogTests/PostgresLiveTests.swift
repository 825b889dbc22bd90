import ByteText
import Glibc
import Grants
import LinuxKit
import Scratch
import Testing

/// The real engine, the real connector and a real PostgreSQL.
extension EngineLiveTests {
  private struct Shop {
    let stage: Stage
    let server: PostgresServer

    init() throws {
      stage = try Stage(prepare: PostgresServer.describe)
      server = try PostgresServer(stage.scratch)
      try server.start()
      server.sql(
        """
        CREATE ROLE app LOGIN; CREATE ROLE boss; CREATE ROLE other;
        CREATE TABLE t1 (a int, "B c" int); CREATE SCHEMA s; CREATE TABLE s.t2 (a int);
        GRANT SELECT ON t1 TO other;
        """)
      try stage.start()
      try server.startConnector()
      try seen("the first report") { $0["reports"].integer ?? 0 >= 1 }
    }

    func listed() throws -> JSON {
      try stage.call("Connector.List")["connectors"].elements.first ?? .null
    }

    func seen(_ what: String, _ matches: (JSON) -> Bool) throws {
      _ = try stage.wait(what) { matches(try listed()) ? true : nil }
    }

    /// Waits until the state was read twice more: the first of these may have begun before.
    func lookedTwice() throws {
      let count = try listed()["reports"].integer ?? 0
      try seen("two more reports") { $0["reports"].integer ?? 0 >= count + 2 }
    }

    func grant(_ subject: String, _ object: String, _ right: String) throws -> JSON {
      try stage.grant("\(right) on \(object) to \(subject)") {
        $0["subject"].text == subject && $0["object"].text == "postgresql:" + object
          && $0["right"].text == right && $0["state"].text == "active"
      }
    }

    func revoke(_ grant: JSON) throws -> JSON {
      let id = grant["id"].text ?? ""
      let answer = try stage.call("Revoke", [("ids", stage.ids(id))])["results"].elements.first
      #expect(answer?["done"].bool == true, "\(grant["object"].text ?? ""): \(answer ?? .null)")
      return try stage.show(id)
    }

    /// The privileges of a relation, as the server has them.
    func acl(_ relation: String) -> String {
      server.sql(
        "SELECT coalesce(relacl::text, '') FROM pg_class WHERE oid = '\(relation)'::regclass")
    }
  }

  @Test(.enabled(if: PostgresServer.binaries != nil, "needs postgresql"))
  func everyKindOfGrantInPostgreSQLIsSeenAndTakenBack() throws {
    let shop = try Shop()
    let server = shop.server
    #expect(
      try shop.stage.grants(standing: true).contains {
        $0["object"].text == "postgresql:postgres/table/public.t1" && $0["standing"].bool == true
      })
    #expect(try shop.stage.grants().isEmpty)
    let before = shop.acl("t1")
    server.sql(
      """
      ALTER ROLE app SUPERUSER;
      GRANT boss TO app WITH ADMIN OPTION;
      GRANT SELECT, INSERT ON t1 TO app;
      GRANT UPDATE ("B c") ON t1 TO PUBLIC;
      GRANT SELECT ON s.t2 TO boss WITH GRANT OPTION;
      GRANT USAGE ON SCHEMA s TO app;
      GRANT CREATE ON DATABASE postgres TO app;
      ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO app;
      """)
    let superuser = try shop.grant("role:app", "role/app", "SUPERUSER")
    #expect(superuser["severity"].text == "critical" && superuser["provenance"].text == "unknown")
    let table = try shop.grant("role:app", "postgres/table/public.t1", "INSERT; SELECT")
    #expect(table["items"].integer == 2)
    let all = [
      superuser, table, try shop.grant("role:app", "role/boss", "ADMIN OPTION; MEMBER"),
      try shop.grant("everyone", "postgres/table/public.t1", "UPDATE (B c)"),
      try shop.grant("role:boss", "postgres/table/s.t2", "GRANT OPTION FOR SELECT; SELECT"),
      try shop.grant("role:app", "postgres/schema/s", "USAGE"),
      try shop.grant("role:app", "postgres/database/postgres", "CREATE"),
      try shop.grant("role:app", "postgres/default-tables/postgres/s", "SELECT"),
    ]
    #expect(try shop.stage.grants().count == all.count)
    for grant in all {
      let ended = try shop.revoke(grant)
      #expect(ended["state"].text == "ended" && ended["endedBy"].text == "revoked")
    }
    #expect(shop.acl("t1") == before)
    #expect(shop.acl("s.t2") == "{postgres=arwdDxt/postgres}\n")
    #expect(server.sql("SELECT rolsuper FROM pg_roles WHERE rolname = 'app'") == "f\n")
    #expect(server.sql("SELECT count(*) FROM pg_auth_members WHERE roleid > 16384") == "0\n")
    #expect(server.sql("SELECT count(*) FROM pg_default_acl") == "0\n")
    #expect(
      server.sql("SELECT count(*) FROM pg_attribute WHERE attrelid > 16384 AND attacl <> '{}'")
        == "0\n")
  }

  @Test(.enabled(if: PostgresServer.binaries != nil, "needs postgresql"))
  func inPostgreSQLTheStateDecidesAndNotTheStatement() throws {
    let shop = try Shop()
    let server = shop.server
    server.sql("BEGIN; GRANT SELECT ON t1 TO app; ROLLBACK;")
    server.sql("CREATE ROLE loud; BEGIN; ALTER ROLE loud SUPERUSER; ROLLBACK; DROP ROLE loud;")
    server.sql("DO $$BEGIN EXECUTE 'GRANT DELETE ON t1 TO app'; END$$;")
    let hidden = try shop.grant("role:app", "postgres/table/public.t1", "DELETE")
    #expect(try shop.stage.grants().count == 1)
    // Somebody else takes it away.
    server.sql("REVOKE DELETE ON t1 FROM app")
    let id = try #require(hidden["id"].text)
    #expect(try shop.stage.becomes("ended", id)["endedBy"].text == "removed")
    // A grant by another than the owner is that one's, and taken back as that one's.
    server.sql(
      """
      GRANT SELECT ON t1 TO boss WITH GRANT OPTION;
      GRANT SELECT ON t1 TO app; SET ROLE boss; GRANT SELECT ON t1 TO app;
      """)
    let second = try shop.grant(
      "role:app", "postgres/table/public.t1", "SELECT; SELECT GRANTED BY boss")
    _ = try shop.revoke(second)
    #expect(shop.acl("t1").contains("boss=r*/postgres") && !shop.acl("t1").contains("app="))
    // What depends on a grant option is in its way, and said to be.
    server.sql("SET ROLE boss; GRANT SELECT ON t1 TO other;")
    let option = try shop.grant(
      "role:boss", "postgres/table/public.t1", "GRANT OPTION FOR SELECT; SELECT")
    let answer = try shop.stage.call(
      "Revoke", [("ids", shop.stage.ids(try #require(option["id"].text)))])
    #expect(answer["results"].elements.first?["done"].bool == false)
    let failed = answer["results"].elements.first?["result"].text ?? ""
    #expect(failed.contains("dependent privileges exist"), "\(failed)")
    // A table that was dropped and made again is another one.
    server.sql("GRANT SELECT ON s.t2 TO app")
    let old = try shop.grant("role:app", "postgres/table/s.t2", "SELECT")
    server.stopConnector()
    server.sql("DROP TABLE s.t2; CREATE TABLE s.t2 (b int); GRANT SELECT ON s.t2 TO app;")
    try server.startConnector()
    try shop.lookedTwice()
    _ = try shop.stage.call(
      "Revoke", [("ids", shop.stage.ids(try #require(old["id"].text)))])
    #expect(try shop.stage.show(try #require(old["id"].text))["state"].text == "drifted")
    #expect(shop.acl("s.t2").contains("app=r/"))
  }

  @Test(.enabled(if: PostgresServer.binaries != nil, "needs postgresql"))
  func theServersLogSaysWhoGaveWhatTheStateShows() throws {
    let shop = try Shop()
    let server = shop.server
    server.sql("GRANT TRUNCATE ON t1 TO app")
    // As the server logs it by syslog, of the backend that ran it.
    try shop.stage.journal(
      [
        JournalLine(
          "postgres",
          "[8-1] 2026-11-26 15:00:00.000 UTC [70009] alice@postgres LOG:  statement: "
            + "GRANT TRUNCATE ON t1 TO app", uid: 101, pid: 70_009,
          exe: "/usr/lib/postgresql/15/bin/postgres")
      ], at: Timestamp(microseconds: SystemClock.wall()))
    let grant = try shop.grant("role:app", "postgres/table/public.t1", "TRUNCATE")
    let id = try #require(grant["id"].text)
    _ = try shop.stage.wait("the statement as evidence") {
      try shop.stage.show(id)["evidence"].elements.first {
        $0["source"].text == "journal"
          && $0["text"].text?.contains("GRANT TRUNCATE ON t1 TO app") == true
      }
    }
    #expect(try shop.stage.grants().count == 1)
    // A session that stays is named by the connector itself.
    let session = try ChildProcess(
      "/usr/bin/psql",
      [
        "-X", "-h", "\(shop.stage.scratch.path)/pg", "-U", "postgres", "-d", "postgres", "-c",
        "GRANT REFERENCES ON s.t2 TO app", "-c",
        "SELECT pg_sleep(600) /* grant references on s.t2 to app */",
      ], log: "\(shop.stage.scratch.path)/session.log")
    let second = try shop.grant("role:app", "postgres/table/s.t2", "REFERENCES")
    session.signal(SIGTERM)
    let told = second["evidence"].elements.compactMap { $0["text"].text }
    #expect(told.contains { $0.hasPrefix("role postgres, backend ") }, "\(told)")
  }

  /// The databases are read one after another: what is given meanwhile has its session all the same.
  @Test(.enabled(if: PostgresServer.binaries != nil, "needs postgresql"))
  func whoGivesWhileTheStateIsReadIsNamed() throws {
    let shop = try Shop()
    let server = shop.server
    func session(_ database: String, _ statements: String...) throws -> ChildProcess {
      try ChildProcess(
        "/usr/bin/psql",
        ["-X", "-h", "\(shop.stage.scratch.path)/pg", "-U", "postgres", "-d", database]
          + statements.flatMap { ["-c", $0] }, log: "\(shop.stage.scratch.path)/session.log")
    }
    func isWaiting(_ what: String) -> Bool {
      server.sql("SELECT 1 FROM pg_stat_activity WHERE \(what) LIMIT 1") == "1\n"
    }
    server.sql("CREATE DATABASE aside")
    let lock = try session(
      "aside", "BEGIN", "LOCK pg_default_acl IN ACCESS EXCLUSIVE MODE", "SELECT pg_sleep(600)")
    _ = try shop.stage.wait("the first database cannot be read") {
      isWaiting("datname = 'aside' AND wait_event_type = 'Lock'") ? true : nil
    }
    let giver = try session(
      "postgres", "GRANT DELETE ON t1 TO app",
      "SELECT pg_sleep(600) /* grant delete on t1 to app */")
    _ = try shop.stage.wait("it is given") { shop.acl("t1").contains("app=d/") ? true : nil }
    server.sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'aside'"
        + " AND query LIKE '%pg_sleep%'")
    let grant = try shop.grant("role:app", "postgres/table/public.t1", "DELETE")
    let told = grant["evidence"].elements.compactMap { $0["text"].text }
    #expect(told.contains { $0.hasPrefix("role postgres, backend ") }, "\(told)")
    for session in [lock, giver] { session.signal(SIGTERM) }
  }

  @Test(.enabled(if: PostgresServer.binaries != nil, "needs postgresql"))
  func namesInPostgreSQLAreOnlyNames() throws {
    let shop = try Shop()
    let server = shop.server
    let database = "odd = 'db' \"x\""
    server.sql(
      #"""
      CREATE DATABASE "odd = 'db' ""x""";
      CREATE ROLE "a b'c""d\e; DROP TABLE t1; --"; CREATE ROLE "Ünïcode ✓"; CREATE ROLE "public role";
      GRANT pg_read_all_data TO "a b'c""d\e; DROP TABLE t1; --";
      ALTER ROLE "Ünïcode ✓" CREATEROLE;
      """#)
    server.sql(
      #"""
      CREATE SCHEMA "s'""x"; CREATE TABLE "s'""x"."t 1;$$" ("c'ol" int);
      GRANT SELECT ON "s'""x"."t 1;$$" TO "a b'c""d\e; DROP TABLE t1; --";
      GRANT INSERT ("c'ol") ON "s'""x"."t 1;$$" TO "Ünïcode ✓";
      CREATE FUNCTION "s'""x"."f'"(int, text) RETURNS int LANGUAGE sql AS 'SELECT 1';
      GRANT EXECUTE ON FUNCTION "s'""x"."f'" TO "public role";
      """#, database: database)
    let all = [
      try shop.grant(#"role:a b'c"d\\e; DROP TABLE t1; --"#, "role/pg_read_all_data", "MEMBER"),
      try shop.grant("role:Ünïcode ✓", "role/Ünïcode ✓", "CREATEROLE"),
      try shop.grant(
        #"role:a b'c"d\\e; DROP TABLE t1; --"#, database + #"/table/s'"x.t 1;$$"#, "SELECT"),
      try shop.grant("role:Ünïcode ✓", database + #"/table/s'"x.t 1;$$"#, "INSERT (c'ol)"),
      try shop.grant(
        "role:public role", database + #"/function/s'"x.f'(integer, text)"#, "EXECUTE"),
    ]
    for grant in all { #expect(try shop.revoke(grant)["state"].text == "ended") }
    #expect(server.sql("SELECT to_regclass('t1')") == "t1\n")
    #expect(
      server.sql("SELECT count(*) FROM pg_roles WHERE rolcreaterole AND rolname <> 'postgres'")
        == "0\n")
  }

  @Test(.enabled(if: PostgresServer.binaries != nil, "needs postgresql"))
  func whilePostgreSQLIsDownARevocationWaits() throws {
    let shop = try Shop()
    let server = shop.server
    server.sql("CREATE ROLE dba_bot SUPERUSER LOGIN;")
    server.sql("ALTER ROLE app SUPERUSER")
    let grant = try shop.grant("role:app", "role/app", "SUPERUSER")
    let id = try #require(grant["id"].text)
    // A session keeps what it has: that is said.
    let session = try ChildProcess(
      "/usr/bin/psql",
      [
        "-X", "-h", "\(shop.stage.scratch.path)/pg", "-U", "app", "-d", "postgres", "-c",
        "SELECT pg_sleep(600)",
      ], log: "\(shop.stage.scratch.path)/session.log")
    _ = try shop.stage.wait("the session") {
      server.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'") == "1\n"
        ? true : nil
    }
    server.stop()
    session.wait()
    try shop.seen("the problem") { $0["problem"].text?.contains("PostgreSQL") == true }
    let answer = try shop.stage.call("Revoke", [("ids", shop.stage.ids(id))])
    #expect(answer["results"].elements.first?["done"].bool == false)
    #expect(try shop.stage.show(id)["state"].text == "revoke-failed")
    try server.start()
    let again = try ChildProcess(
      "/usr/bin/psql",
      [
        "-X", "-h", "\(shop.stage.scratch.path)/pg", "-U", "app", "-d", "postgres", "-c",
        "SELECT pg_sleep(600)",
      ], log: "\(shop.stage.scratch.path)/session.log")
    _ = try shop.stage.wait("the session") {
      server.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'") == "1\n"
        ? true : nil
    }
    let ended = try shop.stage.becomes("ended", id)
    #expect(ended["residue"].elements.first?.text?.contains("of role app still runs") == true)
    try shop.seen("no problem") { $0["problem"].isNull }
    again.signal(15)
    // Its own role is never touched.
    let first = try shop.stage.grants(standing: true).first {
      $0["subject"].text == "role:postgres" && $0["right"].text == "SUPERUSER"
    }
    let refused = try shop.stage.call(
      "Revoke", [("ids", shop.stage.ids(try #require(first?["id"].text)))])
    #expect(refused["results"].elements.first?["done"].bool == false)
    #expect(server.sql("SELECT rolsuper FROM pg_roles WHERE rolname = 'postgres'") == "t\n")
  }
}
