import ByteText
import Grants
import Sources
import Testing

@Suite struct EntryReaderTests {
  private func entry(
    _ tool: String, _ message: String, pid: Int32, uid: UInt32 = 0, exe: String? = nil
  ) -> JournalFields {
    var fields = JournalFields()
    fields.identifiers = [Array(tool.utf8)]
    fields.message = Array(message.utf8)
    fields.pid = pid
    fields.uid = uid
    fields.boot = Array("b".utf8)
    fields.exe = exe.map { Array($0.utf8) }
    return fields
  }

  private func sudo(_ text: String, pid: Int32) -> JournalFields {
    entry("sudo", "   alice : " + text, pid: pid, uid: 1001, exe: "/usr/bin/sudo")
  }

  private func usermod(_ user: String, pid: Int32) -> JournalFields {
    entry("usermod", "add '\(user)' to group 'g'", pid: pid, exe: "/usr/sbin/usermod")
  }

  private func time(_ milliseconds: Int64) -> Timestamp {
    Timestamp(microseconds: milliseconds * 1000)
  }

  @Test("A long command is one signal, in its place, and the cursor waits with it")
  func joins() {
    var reader = EntryReader(root: nil)
    var told: [String] = []
    func take(_ fields: JournalFields, _ cursor: String, _ at: Int64) {
      reader.take(fields, cursor: cursor, stored: time(at)) { signal in
        told.append("\(signal.cursor) \(signal.command ?? signal.subject ?? "?")")
      }
    }
    take(usermod("a", pid: 5), "1", 1)
    #expect(told == ["1 user:a"] && reader.passed == "1" && !reader.holds)
    take(sudo("PWD=/ ; USER=root ; COMMAND=/bin/x -c", pid: 7), "2", 2)
    take(usermod("b", pid: 6), "3", 3)
    take(sudo("(command continued) one", pid: 7), "4", 4)
    take(sudo("(command continued) two", pid: 7), "5", 5)
    // What came between waits too, so that nothing is passed over after a crash.
    #expect(told.count == 1 && reader.passed == "1" && reader.holds)
    take(sudo("PWD=/ ; USER=root ; COMMAND=/bin/y", pid: 8), "6", 6)
    take(usermod("c", pid: 9), "7", 500)
    #expect(
      told == ["1 user:a", "2 /bin/x -c one two", "3 user:b", "6 /bin/y", "7 user:c"])
    #expect(reader.passed == "7" && !reader.holds)
    // Its first part was let go: nothing that can be told.
    take(sudo("(command continued) three", pid: 7), "8", 501)
    #expect(told.count == 5 && reader.passed == "8")
  }

  @Test("What waits is let go when asked, and bounded when not")
  func released() {
    var reader = EntryReader(root: nil)
    var count = 0
    for number in 0..<2000 {
      reader.take(
        sudo("PWD=/ ; USER=root ; COMMAND=/bin/x \(number)", pid: Int32(number + 2)),
        cursor: "\(number)", stored: time(1)
      ) { _ in count += 1 }
    }
    #expect(reader.holds && count >= 2000 - 256)
    reader.release(before: time(1)) { _ in count += 1 }
    #expect(reader.holds)
    reader.release(before: nil) { _ in count += 1 }
    #expect(!reader.holds && count == 2000 && reader.passed == "1999")
  }

  @Test("A clock that was set back holds nothing back")
  func clockStep() {
    var reader = EntryReader(root: nil)
    var count = 0
    reader.take(
      sudo("PWD=/ ; USER=root ; COMMAND=/bin/x", pid: 5), cursor: "1", stored: time(3_600_000)
    ) { _ in count += 1 }
    reader.take(usermod("a", pid: 6), cursor: "2", stored: time(5)) { _ in count += 1 }
    #expect(count == 2 && !reader.holds)
  }

  @Test("A login is told once, by whoever told of it first")
  func echoes() {
    var reader = EntryReader(root: nil)
    var told: [String] = []
    func take(_ fields: JournalFields, _ at: Int64) {
      reader.take(fields, cursor: "\(at)", stored: time(at)) { told.append($0.tool) }
    }
    take(
      entry(
        "sshd", "Accepted password for alice from ::1 port 4 ssh2", pid: 3, exe: "/usr/sbin/sshd"),
      1)
    take(
      entry(
        "sshd", "pam_unix(sshd:session): session opened for user alice(uid=1001) by (uid=0)",
        pid: 3, exe: "/usr/sbin/sshd"), 2)
    let logind = entry(
      "systemd-logind", "New session 7 of user alice.", pid: 4,
      exe: "/usr/lib/systemd/systemd-logind")
    take(logind, 3)
    #expect(told == ["sshd"])
    take(logind, 60_000)
    #expect(told == ["sshd", "systemd-logind"])
  }

  private func postgres(
    _ text: String, _ number: Int = 8, exe: String? = "/usr/lib/postgresql/15/bin/postgres"
  ) -> JournalFields {
    entry(
      "postgres", "[\(number)-1] 2026-11-22 19:29:11 UTC [5] pg@shop LOG:  " + text, pid: 5,
      uid: 102, exe: exe)
  }

  private func told(_ entries: [JournalFields]) -> [AccessSignal] {
    var reader = EntryReader(root: nil)
    var signals: [AccessSignal] = []
    for (index, fields) in entries.enumerated() {
      reader.take(fields, cursor: "\(index)", stored: time(Int64(index))) { signals.append($0) }
    }
    reader.release(before: nil) { signals.append($0) }
    return signals
  }

  @Test("SQL says who gets what on which object; a password is in no output")
  func sql() {
    let role = told([postgres("statement: CREATE USER app PASSWORD 'se''cret' SUPERUSER")])
    #expect(role.map(\.right) == ["LOGIN PASSWORD SUPERUSER"])
    #expect(role.first?.subject == "role:app" && role.first?.trusted == true)
    #expect(
      role.first?.message.contains("cret") == false
        && role.first?.command?.contains("cret") == false)
    let many = told([
      postgres(
        "statement: GRANT SELECT, UPDATE ON TABLE s.t1, \"T 2\" TO app, PUBLIC; REVOKE a FROM b")
    ])
    #expect(
      many.map { "\($0.type) \($0.subject ?? "") \($0.object ?? "") \($0.right ?? "")" } == [
        "grant role:app postgresql:shop/table/s.t1 SELECT, UPDATE",
        "grant role:app postgresql:shop/table/T 2 SELECT, UPDATE",
        "grant everyone postgresql:shop/table/s.t1 SELECT, UPDATE",
        "grant everyone postgresql:shop/table/T 2 SELECT, UPDATE",
        "revoke role:b postgresql:role/a member",
      ])
    #expect(told([postgres("statement: SELECT 'GRANT a TO b'")]).isEmpty)
    let audited = told([
      postgres("AUDIT: SESSION,1,1,ROLE,GRANT,TABLE,public.t1,\"GRANT SELECT ON t1 TO app\",<none>")
    ])
    #expect(audited.map(\.object) == ["postgresql:shop/table/t1"])
  }

  @Test("A statement line with context was raised by somebody; one without a program is not proven")
  func raised() {
    var context = postgres("")
    context.message = Array(
      "[8-2] 2026-11-22 19:29:11 UTC [5] pg@shop CONTEXT:  PL/pgSQL function f line 1 at RAISE".utf8
    )
    #expect(told([postgres("statement: GRANT a TO b"), context]).map(\.type) == [.spoof])
    let lost = told([postgres("statement: GRANT a TO b", exe: nil)])
    #expect(lost.map(\.type) == [.grant] && lost.first?.trusted == false)
    let other = told([postgres("statement: GRANT a TO b", exe: "/tmp/postgres")])
    #expect(other.map(\.type) == [.spoof])
  }
}
