import ByteText
import Grants
import Kinds
import Provenance
import Testing

private let start = Moment(
  wall: Timestamp(microseconds: 1_795_341_600_000_000), up: 1_000_000_000, boot: "b1")

/// What an approved advice covers of a grant, and what goes beyond.
@Suite struct DivisionTests {
  private func index(_ texts: [String]) -> (AdviceIndex, [String]) {
    var index = AdviceIndex()
    var ids: [String] = []
    for (number, text) in texts.enumerated() {
      var advice = Advice(
        id: "a-\(number)", agent: "bot", time: start.wall,
        until: Deadline(TimeSpan(seconds: 3600), after: start), submittedBy: 1001, text: text)
      advice.changes = ChangeGrammar.changes(inText: text)
      index.add(advice)
      ids.append(advice.id)
    }
    return (index, ids)
  }

  private func grant(
    _ kind: GrantKind, _ subject: String, _ right: String,
    _ items: [(object: String, before: String?, after: String?)]
  ) -> Grant {
    var grant = Grant(
      id: "g-aaaaaa", incident: "i-aaaa", host: "h", kind: kind, subject: subject,
      object: items[0].object, right: right, at: start)
    grant.items = items.map { GrantItem(object: $0.object, before: $0.before, after: $0.after) }
    return grant
  }

  private func text(_ items: [GrantItem]) -> [String] {
    items.map { "\($0.object) \($0.before ?? "-")>\($0.after ?? "-")" }
  }

  struct Bits: Sendable {
    var advice: String
    var before: String?
    var after: String
    var covered: String?
    var rest: String?
    init(_ advice: String, _ before: String?, _ after: String, _ covered: String?, _ rest: String?)
    {
      self.advice = advice
      self.before = before
      self.after = after
      self.covered = covered
      self.rest = rest
    }
  }

  @Test(
    "Permission bits are divided class by class",
    arguments: [
      Bits("chmod 750 /srv/x", "0700", "0777", "0700>0750", "0750>0777"),
      Bits("chmod 750 /srv/x", "0700", "0750", "0700>0750", nil),
      Bits("chmod 750 /srv/x", "0700", "0740", "0700>0740", nil),
      Bits("chmod 777 /srv/x", "0600", "0644", "0600>0644", nil),
      Bits("chmod o+r /srv/x", "0640", "0642", nil, "0640>0642"),
      Bits("chmod o+r /srv/x", "0600", "0666", "0600>0644", "0644>0666"),
      Bits("chmod 755 /srv/x", "0700", "4755", "0700>0755", "0755>4755"),
      Bits("chmod u+s /srv/x", "0755", "4755", "0755>4755", nil),
      Bits("chmod u+s /srv/x", nil, "4757", "->4755", "4755>4757"),
      Bits("chmod 777 /srv/x", "1777", "0777", "1777>0777", nil),
      Bits("chmod 755 /srv/x", "1777", "0777", nil, "1777>0777"),
      Bits("chmod -R 750 /srv", "0700", "0755", "0700>0750", "0750>0755"),
    ])
  func bits(_ bits: Bits) throws {
    let (index, ids) = index(["`\(bits.advice)`"])
    let given = grant(.fileMode, "everyone", "read", [("file:/srv/x", bits.before, bits.after)])
    let found = try #require(index.divide(given, from: 0, by: ids, at: start))
    #expect(text(found.covered) == [bits.covered].compactMap { $0.map { "file:/srv/x " + $0 } })
    #expect(text(found.rest) == [bits.rest].compactMap { $0.map { "file:/srv/x " + $0 } })
    #expect(found.advice == "a-0")
    #expect(found.covered.count == found.coveredRights.count)
    #expect(found.rest.count == found.restRights.count)
  }

  @Test("A path above the approved one: what lies below it is covered")
  func above() throws {
    let (index, ids) = index(["`chmod -R 750 /srv/data`"])
    let given = grant(
      .fileMode, "group:staff", "read execute",
      [
        ("file:/srv", "0700", "0750"), ("file:/srv/data", "0700", "0750"),
        ("file:/srv/data/f", "0600", "0640"), ("file:/srv/database", "0600", "0640"),
      ])
    let found = try #require(index.divide(given, from: 0, by: ids, at: start))
    #expect(found.covered.map(\.object) == ["file:/srv/data", "file:/srv/data/f"])
    #expect(found.rest.map(\.object) == ["file:/srv", "file:/srv/database"])
    #expect(found.coveredRights == ["read execute", "read"])
    let later = try #require(index.divide(given, from: 2, by: ids, at: start))
    #expect(later.covered.map(\.object) == ["file:/srv/data/f"])
    #expect(index.divide(given, from: 3, by: ids, at: start) == nil)
  }

  @Test("Several approved advices together cover what none does alone")
  func together() throws {
    let (index, ids) = index(["`chmod g+r /srv/x`", "`chmod o+r /srv/x`", "`chmod 777 /srv/y`"])
    let given = grant(.fileMode, "everyone", "read", [("file:/srv/x", "0600", "0644")])
    let found = try #require(index.divide(given, from: 0, by: ids, at: start))
    #expect(found.rest.isEmpty)
    #expect(found.advices == ["a-0", "a-1"])
  }

  @Test("What is not exact, not there, or another kind says nothing")
  func nothing() {
    let given = grant(.fileMode, "everyone", "read", [("file:/srv/x", "0600", "0644")])
    for text in ["`chmod 777 x`", "`chmod 777 $D`", "`setfacl -m o::r /srv/y`", "nothing"] {
      let (index, ids) = index([text])
      #expect(index.divide(given, from: 0, by: ids, at: start) == nil, "\(text)")
    }
    let (index, _) = index(["`chmod 777 /srv/x`"])
    #expect(index.divide(given, from: 0, by: ["a-9"], at: start) == nil)
    var past = start
    past.up += 3600 * 1_000_000
    #expect(index.divide(given, from: 0, by: ["a-0"], at: past) == nil)
  }

  @Test(
    "Capabilities are divided one by one, and the flag that puts them in force with them",
    arguments: [
      ("cap_net_raw+ep", "cap_net_raw,cap_sys_admin=ep", "cap_net_raw=ep", "cap_sys_admin=ep"),
      ("cap_net_raw+p", "cap_net_raw=ep", "cap_net_raw=p", "cap_net_raw=ep"),
      ("cap_net_raw,cap_kill+ep", "cap_net_raw=ep", "cap_net_raw=ep", nil),
      ("cap_kill+ep", "cap_kill=eip", "cap_kill=ep", "cap_kill=ei"),
    ] as [(String, String, String, String?)])
  func capabilities(advice: String, after: String, covered: String, rest: String?) throws {
    let (index, ids) = index(["`setcap \(advice) /srv/x`"])
    let came = try #require(FileCapabilities(text: after))
    let gain = CapabilityGain(before: nil, after: came, runnableBy: .everyone)
    var given = grant(.fileCapability, "everyone", after, [("file:/srv/x", nil, after)])
    given.items[0].gain = FileGain.capabilities(gain).detail
    let found = try #require(index.divide(given, from: 0, by: ids, at: start))
    #expect(found.coveredRights == [covered])
    #expect(found.restRights == [rest].compactMap(\.self))
  }

  @Test("Entries are covered whole or not at all, but for what has parts")
  func entries() throws {
    let (index, ids) = index([
      "`usermod -aG docker bob`",
      "`echo 'bob ALL=(ALL) NOPASSWD: /bin/ls' | sudo tee /etc/sudoers.d/bob`",
      "`setfacl -m u:bob:rx /srv/x`", "`setcap cap_net_raw+ep /srv/x`",
    ])
    func divide(_ kind: GrantKind, _ subject: String, _ right: String, _ object: String)
      -> (Int, Int)?
    {
      index.divide(
        grant(kind, subject, right, [(object, "absent", "x")]), from: 0, by: ids, at: start
      ).map { ($0.covered.count, $0.rest.count) }
    }
    func expect(_ found: (Int, Int)?, _ covered: Int, _ rest: Int, _ line: Int = #line) {
      #expect(found?.0 == covered && found?.1 == rest, "line \(line): \(String(describing: found))")
    }
    expect(divide(.groupMember, "user:bob", "member", "group:docker"), 1, 0)
    #expect(divide(.groupMember, "user:bob", "member", "group:sudo") == nil)
    #expect(divide(.groupMember, "user:eve", "member", "group:docker") == nil)
    expect(divide(.sudoRule, "user:bob", "NOPASSWD: /bin/ls", "sudoers:/etc/sudoers.d/bob"), 1, 0)
    expect(divide(.sudoRule, "user:bob", "NOPASSWD: ALL", "sudoers:/etc/sudoers.d/bob"), 0, 1)
    expect(divide(.fileCapability, "everyone", "cap_net_raw=ep", "file:/srv/x"), 1, 0)
    expect(
      divide(.fileCapability, "everyone", "cap_net_raw,cap_sys_admin=ep", "file:/srv/x"), 0, 1)
    expect(divide(.fileACL, "user:bob", "read", "file:/srv/x"), 1, 0)
    expect(divide(.fileACL, "user:bob", "read write", "file:/srv/x"), 0, 1)
  }

  @Test("The entry of an access list is divided by its rights")
  func lists() throws {
    let (index, ids) = index(["`setfacl -m u:bob:rx /srv/x`", "`setfacl -m u:bob:w /srv/y`"])
    func divide(_ detail: String, _ subject: String = "user:bob") -> ([String?], [String?])? {
      var given = grant(.fileACL, subject, "read write execute", [("file:/srv/x", "a", "b")])
      given.items[0].gain = detail
      return index.divide(given, from: 0, by: ids, at: start).map {
        ($0.covered.map(\.gain) + $0.coveredRights, $0.rest.map(\.gain) + $0.restRights)
      }
    }
    let all = try #require(divide("u1001a-7757"))
    #expect(all.0 == ["u1001a-5555", "read execute"])
    #expect(all.1 == ["u1001a-7257", "write"])
    let both = try #require(divide("u1001a47377d-66-6"))
    #expect(both.0 == ["u1001a45177d-44-4", "read execute"])
    #expect(both.1 == ["u1001a47277d-62-6", "write"])
    #expect(try #require(divide("u1001a-4447")).1.isEmpty)
    #expect(divide("u1001a-2227") == nil)
    #expect(divide("u1002a-7757", "user:eve") == nil)
  }

  @Test("Two rules in one file: the approved one is covered, the other is not")
  func rules() throws {
    let (index, ids) = index([
      "`echo 'bob ALL=(ALL) NOPASSWD: /bin/ls' | sudo tee /etc/sudoers.d/bob`"
    ])
    let given = grant(
      .sudoRule, "user:bob", "NOPASSWD: /bin/ls; NOPASSWD: /bin/sh",
      [
        ("sudoers:/etc/sudoers.d/bob", "absent", "bob ALL=(ALL) NOPASSWD: /bin/ls"),
        ("sudoers:/etc/sudoers.d/bob", "absent", "bob ALL=(ALL) NOPASSWD: /bin/sh"),
      ])
    let found = try #require(index.divide(given, from: 0, by: ids, at: start))
    #expect(found.covered.map(\.after) == ["bob ALL=(ALL) NOPASSWD: /bin/ls"])
    #expect(found.restRights == ["NOPASSWD: /bin/sh"])
  }

  @Test("Of the commands that a hook told of, the newest that tells of all counts")
  func told() throws {
    let (index, ids) = index([
      "`chmod 777 /srv/x`", "`chmod 640 /srv/x`", "`chmod 777 /srv/y`", "`chmod 600 /srv/x`",
    ])
    let given = grant(.fileMode, "everyone", "read", [("file:/srv/x", "0600", "0644")])
    let whole = try #require(index.told(given, by: ids))
    #expect(whole.advice == "a-0" && whole.isWhole)
    let part = try #require(index.told(given, by: ["a-1", "a-2"]))
    #expect(part.advice == "a-1" && !part.isWhole)
    #expect(index.told(given, by: ["a-2", "a-3"]) == nil)
    let (loose, looseIDs) = self.index(["`chmod 640 x`"])
    #expect(loose.told(given, by: looseIDs)?.isWhole == true)
  }
}
