import ByteText
import Grants
import Provenance
import Testing

private let start = Moment(
  wall: Timestamp(microseconds: 1_795_341_600_000_000), up: 1_000_000_000, boot: "b1")

private func later(_ seconds: Int64) -> Moment {
  Moment(
    wall: start.wall + TimeSpan(seconds: seconds), up: start.up + seconds * 1_000_000, boot: "b1")
}

private func advice(
  _ id: String, _ text: String, at moment: Moment = start, audience: String? = nil
) -> Advice {
  var advice = Advice(
    id: id, agent: "forum-helper", time: moment.wall,
    until: Deadline(TimeSpan(seconds: 7 * 86_400), after: moment), submittedBy: 1001, text: text)
  advice.changes = ChangeGrammar.changes(inText: text)
  advice.audience = audience
  return advice
}

private func fileGrant(
  _ paths: [String], _ right: String, subject: String = "everyone", before: String? = nil,
  after: String? = nil, root: String? = nil, command: String? = nil, at moment: Moment = later(60)
) -> Grant {
  var grant = Grant(
    id: "g-aaaaaa", incident: "i-aaaa", host: "h", kind: .fileMode, subject: subject,
    object: "file:" + (root ?? paths[0]), right: right, at: moment)
  grant.items = paths.map { GrantItem(object: "file:" + $0, before: before, after: after) }
  grant.actor.command = command
  return grant
}

private func memberGrant(_ user: String, _ group: String, loginUser: String? = nil) -> Grant {
  var grant = Grant(
    id: "g-aaaaaa", incident: "i-aaaa", host: "h", kind: .groupMember, subject: "user:" + user,
    object: "group:" + group, right: "member", at: later(60))
  grant.items = [GrantItem(object: "group:" + group, before: "absent", after: "member")]
  grant.actor.loginUser = loginUser
  return grant
}

@Suite struct MatchingTests {
  struct Case: Sendable {
    var advice: String
    var grant: Grant
    var expected: Confidence?
    init(_ advice: String, _ grant: Grant, _ expected: Confidence?) {
      self.advice = advice
      self.grant = grant
      self.expected = expected
    }
  }

  static let all = "read write execute"
  static let table: [Case] = [
    Case("chmod 777 /srv/data", fileGrant(["/srv/data"], all), .strong),
    Case("chmod a+rwx /srv/data", fileGrant(["/srv/data"], all), .strong),
    Case("chmod 777 /srv/data", fileGrant(["/srv/data"], "read"), .strong),
    Case("chmod 755 /srv/data", fileGrant(["/srv/data"], all), .weak),
    Case("chmod o+r /srv/data", fileGrant(["/srv/data"], "write"), nil),
    Case("chmod -R 777 /srv/data", fileGrant(["/srv/data/f1"], all), .strong),
    Case("chmod -R 777 /srv/data", fileGrant(["/srv/data/a", "/srv/data/b"], all), .strong),
    Case("chmod -R 777 /srv/data/", fileGrant(["/srv/data"], all), .strong),
    Case("chmod -R 777 /", fileGrant(["/srv/data"], all), .strong),
    Case("chmod -R 777 /srv/data", fileGrant(["/srv/database"], all), nil),
    Case("chmod -R 777 /srv/data", fileGrant(["/srv"], all), nil),
    Case("chmod -R 777 /srv/data", fileGrant(["/srv/data/a", "/srv/other"], all), .weak),
    Case(
      "chmod 777 /srv/a /srv/b", fileGrant(["/srv/a", "/srv/b"], all, root: "/srv"), .strong),
    Case("chmod 777 /srv/data", fileGrant(["/srv/data/f1"], all), nil),
    Case("chmod g+rwx /srv/data", fileGrant(["/srv/data"], all), .weak),
    Case("chmod g+rwx /srv/data", fileGrant(["/srv/data"], all, subject: "group:staff"), .strong),
    Case("chmod 777 /srv/data", fileGrant(["/srv/data"], all, subject: "group:staff"), .strong),
    Case(
      "chmod 775 /srv/data", fileGrant(["/srv/data"], all, before: "0750", after: "0775"), .strong),
    Case(
      "chmod 775 /srv/data", fileGrant(["/srv/data"], all, before: "0750", after: "0777"), .weak),
    Case("chmod 777 data", fileGrant(["/srv/data"], all), .weak),
    Case("chmod -R 777 data", fileGrant(["/srv/data/f1"], all), .weak),
    Case("chmod 777 data", fileGrant(["/srv/mydata"], all), nil),
    Case("chmod 777 data", fileGrant(["/srv/data/f1"], all), nil),
    Case("chmod 777 x/data", fileGrant(["/srv/x/data"], all), .weak),
    Case("chmod 777 x/data", fileGrant(["/srv/y/data"], all), nil),
    Case("chmod 777 ~/data", fileGrant(["/home/bob/data"], all), .weak),
    Case("`chmod 777 $DIR/data`", fileGrant(["/srv/data"], all), .weak),
    Case("`chmod 777 $DIR`", fileGrant(["/srv/data"], all), nil),
    Case("`chmod 777 /srv/$NAME/data`", fileGrant(["/srv/a/data"], all), .weak),
    Case("`chmod 777 /srv/$NAME/data`", fileGrant(["/srv/a/other"], all), nil),
    Case("`chmod 666 /srv/*.log`", fileGrant(["/srv/a.log"], "read write"), .weak),
    Case("`chmod 666 /srv/*.log`", fileGrant(["/srv/a.txt"], "read write"), nil),
    Case("`chmod 777 /*`", fileGrant(["/srv"], all), .weak),
    Case("cd /srv && chmod 777 data", fileGrant(["/srv/data"], all), .strong),
    Case("`cd /srv && chmod 777 data`", fileGrant(["/srv/data"], all), .strong),
    Case("`chmod u+s /opt/x`", fileGrant(["/opt/x"], "setuid"), .strong),
    Case("`chmod 755 /opt/x`", fileGrant(["/opt/x"], "execute setuid"), .weak),
    Case("`chmod 777 '/srv/my data'`", fileGrant(["/srv/my data"], all), .strong),
    Case("usermod -aG docker bob", memberGrant("bob", "docker"), .strong),
    Case("gpasswd -a bob docker", memberGrant("bob", "docker"), .strong),
    Case("usermod -aG docker bob", memberGrant("carol", "docker"), nil),
    Case("usermod -aG docker bob", memberGrant("bob", "sudo"), nil),
    Case("usermod -aG docker $USER", memberGrant("bob", "docker"), .weak),
    Case("usermod -aG docker bob", fileGrant(["/srv/data"], all), nil),
    Case("chmod 777 /srv/data", memberGrant("bob", "docker"), nil),
  ]

  private static func entry(
    _ kind: GrantKind, _ subject: String, _ object: String, _ right: String
  ) -> Grant {
    var grant = Grant(
      id: "g-aaaaaa", incident: "i-aaaa", host: "h", kind: kind, subject: subject, object: object,
      right: right, at: later(60))
    grant.items = [GrantItem(object: object, before: nil, after: nil)]
    return grant
  }

  static let kinds: [Case] = {
    let sudo = "`echo 'bob ALL=(ALL) NOPASSWD: ALL' | sudo tee /etc/sudoers.d/bob`"
    let some = "`echo 'bob ALL=(ALL) NOPASSWD: /bin/a, /bin/b' > /etc/sudoers.d/bob`"
    func rule(_ right: String, _ file: String = "/etc/sudoers.d/bob") -> Grant {
      entry(.sudoRule, "user:bob", "sudoers:" + file, right)
    }
    let list = "`setfacl -R -m u:bob:rw /srv`"
    let shop = "`psql shop -c 'GRANT SELECT, INSERT ON orders TO app'`"
    return [
      Case(sudo, rule("NOPASSWD: ALL"), .strong),
      Case(sudo, rule("NOPASSWD: ALL", "/etc/sudoers"), .strong),
      Case(sudo, rule("ALL"), .strong),
      Case(sudo, rule("NOPASSWD: /bin/ls"), .strong),
      Case(some, rule("NOPASSWD: /bin/b"), .strong),
      Case(some, rule("NOPASSWD: ALL"), .weak),
      Case(some, rule("NOPASSWD: /bin/b, /bin/c"), .weak),
      Case(some, rule("NOPASSWD: /bin/c"), nil),
      Case(sudo, entry(.sudoRule, "user:carol", "sudoers:/etc/sudoers.d/bob", "ALL"), nil),
      Case(list, entry(.fileACL, "user:bob", "file:/srv/a/b", "read write"), .strong),
      Case(list, entry(.fileACL, "user:bob", "file:/srv/a", "read execute"), .weak),
      Case(list, entry(.fileACL, "user:bob", "file:/srv/a", "execute"), nil),
      Case(list, entry(.fileACL, "user:carol", "file:/srv/a", "read"), nil),
      Case(
        "`chown -R bob /srv`", entry(.fileOwner, "user:bob", "file:/srv/a", "read write"), .strong),
      Case("`chown bob /srv`", entry(.fileOwner, "user:bob", "file:/srv/a", "read write"), nil),
      Case("`chown bob x`", entry(.fileOwner, "user:bob", "file:/srv/x", "read"), .weak),
      Case(
        "`setcap cap_net_admin,cap_net_raw+ep /opt/x`",
        entry(.fileCapability, "group:staff", "file:/opt/x", "cap_net_raw=ep"), .strong),
      Case(
        "`setcap cap_net_raw+ep /opt/x`",
        entry(.fileCapability, "everyone", "file:/opt/x", "cap_net_admin,cap_net_raw=ep"), .weak),
      Case(
        "`setcap cap_net_raw+ep /opt/x`",
        entry(.fileCapability, "everyone", "file:/opt/x", "cap_kill=ep"), nil),
      Case("`passwd -u bob`", entry(.account, "user:bob", "account:bob", "login"), .strong),
      Case("`chsh -s /bin/bash bob`", entry(.account, "user:bob", "account:bob", "root"), .weak),
      Case("`ssh-copy-id bob@h`", entry(.sshKey, "key:SHA256:x", "account:bob", "login"), .weak),
      Case("`ssh-copy-id bob@h`", entry(.sshKey, "key:SHA256:x", "account:eve", "login"), nil),
      Case(
        shop, entry(.postgresql, "role:app", "postgresql:shop/table/public.orders", "SELECT"),
        .strong),
      Case(
        shop, entry(.postgresql, "role:app", "postgresql:shop/table/public.orders", "DELETE"), nil),
      Case(
        shop, entry(.postgresql, "role:app", "postgresql:other/table/public.orders", "SELECT"), nil),
      Case(
        "`psql -c 'GRANT SELECT ON orders TO app'`",
        entry(.postgresql, "role:app", "postgresql:shop/table/public.orders", "SELECT"), .weak),
      Case(
        "`GRANT admin TO bob;`",
        entry(.postgresql, "role:bob", "postgresql:role/admin", "MEMBER GRANTED BY postgres"),
        .strong),
      Case(
        "`kubectl create clusterrolebinding b --clusterrole=edit --user=bob`",
        entry(.kubernetes, "user:bob", "kubernetes:clusterrolebinding/b", "ClusterRole/edit"),
        .strong),
      Case(
        "`kubectl create rolebinding b --clusterrole=edit --user=bob`",
        entry(.kubernetes, "user:bob", "kubernetes:rolebinding/web/b", "ClusterRole/edit"), .weak),
    ]
  }()

  @Test(
    "Strong, weak and no match, for the kinds beside modes and groups", arguments: kinds.indices)
  func matchingKinds(index: Int) {
    let one = Self.kinds[index]
    var index = AdviceIndex()
    index.add(advice("a-1111", one.advice))
    #expect(
      index.best(for: one.grant, at: later(61))?.confidence == one.expected,
      "\(one.advice): \(one.grant.right)")
  }

  @Test("Strong, weak and no match", arguments: table.indices)
  func matching(index: Int) {
    let one = Self.table[index]
    var index = AdviceIndex()
    index.add(advice("a-1111", one.advice))
    let match = index.best(for: one.grant, at: later(61))
    #expect(match?.confidence == one.expected, "\(one.advice)")
  }

  @Test("The score is the sum of named factors, and the better advice wins")
  func score() {
    var index = AdviceIndex()
    index.add(advice("a-wide", "chmod -R 777 /srv"))
    index.add(advice("a-same", "chmod 777 /srv/data"))
    index.add(advice("a-weak", "chmod 777 data", at: later(50), audience: "bob"))
    var grant = fileGrant(["/srv/data"], Self.all, command: "sudo chmod 777 /srv/data")
    #expect(index.best(for: grant, at: later(60))?.advice == "a-same")
    let match = index.best(for: grant, at: later(60))
    #expect(
      match?.factors == [
        MatchFactor(name: "same effect", points: 40), MatchFactor(name: "same command", points: 25),
        MatchFactor(name: "time since", points: 20),
      ])
    #expect(match?.score == 85)
    index.add(advice("a-told", "chmod a+rwx /srv/data", audience: "bob"))
    grant.actor.loginUser = "bob"
    grant.actor.command = "chmod a=rwx /srv/data"
    #expect(index.best(for: grant, at: later(60))?.advice == "a-told")
  }

  @Test("Of equals the newest counts")
  func newest() {
    var index = AdviceIndex()
    index.add(advice("a-new", "chmod 777 /srv/data", at: later(10)))
    index.add(advice("a-old", "chmod 777 /srv/data"))
    let grant = fileGrant(["/srv/data"], Self.all)
    #expect(index.best(for: grant, at: later(60))?.advice == "a-new")
    index.remove(id: "a-new")
    #expect(index.best(for: grant, at: later(60))?.advice == "a-old")
    index.remove(id: "a-old")
    index.remove(id: "a-old")
    #expect(index.best(for: grant, at: later(60)) == nil)
    #expect(index.count == 0)
  }

  @Test("Advice that has ended, or came after the grant, matches nothing")
  func time() {
    var index = AdviceIndex()
    index.add(advice("a-late", "chmod 777 /srv/data", at: later(120)))
    let grant = fileGrant(["/srv/data"], Self.all)
    #expect(index.best(for: grant, at: later(121)) == nil)
    index.add(advice("a-1111", "chmod 777 /srv/data"))
    #expect(index.best(for: grant, at: later(7 * 86_400 - 1))?.advice == "a-1111")
    #expect(index.best(for: grant, at: later(7 * 86_400)) == nil)
  }

  @Test("Several changes of one advice explain a grant together; many items need the root")
  func items() {
    var index = AdviceIndex()
    index.add(advice("a-1111", "```\nchmod -R 777 /srv/a\nchmod -R 777 /srv/b\n```"))
    let both = fileGrant(["/srv/a/x", "/srv/b/y"], Self.all, root: "/srv")
    #expect(index.best(for: both, at: later(60))?.confidence == .strong)
    let many = (0..<20_000).map { "/srv/a/f\($0)" }
    let grant = fileGrant(many, Self.all, root: "/srv/a")
    #expect(index.best(for: grant, at: later(60))?.confidence == .strong)
    let mixed = fileGrant(many + ["/srv/c"], Self.all, root: "/srv")
    #expect(index.best(for: mixed, at: later(60))?.confidence == .weak)
  }

  @Test("Adding the same advice again replaces it; order of adding decides nothing else")
  func replace() {
    var index = AdviceIndex()
    index.add(advice("a-1111", "chmod 777 /srv/data"))
    index.add(advice("a-1111", "chmod 777 /srv/other"))
    #expect(index.count == 1)
    #expect(index.best(for: fileGrant(["/srv/data"], Self.all), at: later(60)) == nil)
    #expect(index.best(for: fileGrant(["/srv/other"], Self.all), at: later(60)) != nil)
  }

  @Test("One change among 100,000 open advices")
  func speed() {
    var index = AdviceIndex()
    for number in 0..<100_000 {
      var one = advice("a-\(number)", "")
      one.changes = [
        ProposedChange(
          kind: .fileMode, subject: "everyone", object: "file:/srv/d\(number % 1000)/f\(number)",
          right: Self.all, recursive: true, command: "")
      ]
      index.add(one)
    }
    index.add(advice("a-aim", "chmod -R 777 /srv/d7"))
    let grant = fileGrant(["/srv/d7/f7/x"], Self.all)
    let clock = ContinuousClock()
    var spent: [Duration] = []
    for _ in 0..<50 {
      spent.append(
        clock.measure { #expect(index.best(for: grant, at: later(60))?.confidence == .strong) })
    }
    #expect(spent.sorted()[25] < .milliseconds(20))
  }
}
