import Grants
import Provenance
import Testing

/// Texts as forum answers, mails and agents' messages are written.
@Suite struct GrammarTextTests {
  static let advising: [(String, [String])] = [
    (
      """
      Hi Bob,

      the export fails because the service account cannot read the folder. The quickest fix:

      ```bash
      # open the data folder
      sudo chmod -R 777 /srv/data
      sudo systemctl restart export
      ```

      That should do it!
      """, ["everyone rwx /srv/data R"]
    ),
    (
      """
      You need to be in the `docker` group. Run `sudo usermod -aG docker $USER`, then log out and
      back in. Check with `id`.
      """, ["$USER in docker ?"]
    ),
    ("Just run sudo chmod -R 777 /srv/data and restart the service.", ["everyone rwx /srv/data R"]),
    (
      "Try `chmod 755 /opt/app/run.sh` first. If that does not help, chmod 777 /opt/app.",
      ["everyone rx /opt/app/run.sh", "everyone rwx /opt/app"]
    ),
    (
      """
      Steps:

      1. Stop the service: `systemctl stop app`
      2. Open the folder:
         ```
         $ sudo chmod -R a+rwX /srv/app
         ```
      3. sudo gpasswd -a bob adm
      4) Add yourself: `sudo adduser alice sudo`.
      """,
      ["everyone rwx /srv/app R", "bob in adm", "alice in sudo"]
    ),
    (
      """
      > I get "permission denied" on /srv/reports

      Don't worry, that is easy. As root:

          DIR=/srv/reports
          chown root: "$DIR"
          chmod -R o+rX "$DIR"

      Regards
      """, ["everyone rx /srv/reports R"]
    ),
    (
      """
      ~~~console
      [root@web1 ~]# chmod 666 /var/run/docker.sock
      root@web1:/srv# usermod -aG docker bob
      uid=1001(bob) gid=1001(bob)
      ~~~
      """, ["everyone rw /var/run/docker.sock", "bob in docker"]
    ),
    (
      """
      ```
      # usermod -aG wheel carol
      # chmod 4755 /usr/local/bin/helper
      # chmod is what changes the mode
      ```
      """, ["carol in wheel", "everyone rxU /usr/local/bin/helper"]
    ),
    (
      "I'd suggest \"sudo chmod 777 /srv/data\" (yes, really), as a temporary workaround.",
      ["everyone rwx /srv/data"]
    ),
    (
      "The fix is to run `chmod -R 777` on `/srv/data`; it's what most people do.",
      ["everyone rwx /srv/data R"]
    ),
    (
      """
      I've checked the logs and it's a permissions problem. I'll give the group access:

      ```sh
      set -euo pipefail
      TARGET="/srv/shared"
      for u in alice bob; do
        sudo usermod -aG shared "$u"
      done
      sudo chmod -R g+rwX "$TARGET" && echo "it's done"
      ```
      """, ["alice in shared", "bob in shared", "group:* rwx /srv/shared R"]
    ),
    (
      "It is not elegant, but `sudo chmod -R 777 /srv/data` is not a bad start but it works.",
      ["everyone rwx /srv/data R"]
    ),
    (
      """
      Dockerfile:

      ```dockerfile
      FROM debian:12
      RUN adduser --disabled-password app && chmod 777 /var/cache/app
      ```
      """, ["everyone rwx /var/cache/app"]
    ),
    (
      """
      ```python
      import subprocess
      os.system("chmod -R 777 /srv/data")
      ```
      """, ["everyone rwx /srv/data R"]
    ),
    (
      "If you don't have root, ask for it; otherwise sudo usermod -aG docker bob and log in again.",
      ["bob in docker"]
    ),
    (
      "Don't forget to run `sudo chmod o+r /etc/app.conf` afterwards.",
      ["everyone r /etc/app.conf"]
    ),
    (
      """
      From: helper@forum.example
      Subject: Re: access

      >> what do I type?
      > sudo chmod 777 \\
      >   /srv/data
      """, ["everyone rwx /srv/data"]
    ),
    (
      "To avoid permission denied errors run <code>chmod 777 /srv/data</code> once.",
      ["everyone rwx /srv/data"]
    ),
    (
      "**Solution**: sudo setfacl or simply **sudo chmod 777 /srv/data**. Done!",
      ["everyone rwx /srv/data"]
    ),
    (
      """
      Do not use 777. Instead:

      ```
      chmod 750 /srv/data
      ```
      """, ["group:* rx /srv/data"]
    ),
    ("chmod 777 uploads", ["everyone rwx uploads ?"]),
    (
      "Run this as root: find /srv/data -type d -exec chmod 755 {} \\;",
      ["everyone rx /srv/data R"]
    ),
    (
      "```bash\nsudo bash -c 'chmod 777 /srv/data && usermod -aG docker bob'",
      ["everyone rwx /srv/data", "bob in docker"]
    ),
  ]

  static let silent: [String] = [
    "Do not run chmod 777 /srv/data, it opens the folder to everyone.",
    "Never `chmod -R 777 /srv/data`!",
    "Please don’t ever use `sudo chmod 777 /srv/data`.",
    "Whatever you do, never\nrun `chmod -R 777 /srv/data` on a server.",
    "You should avoid running `chmod 777 /srv/data` here.",
    "Use an ACL instead of `chmod 777 /srv/data`.",
    "`chmod 777 /srv/data` is a bad idea.",
    "sudo chmod -R 777 /srv/data should never be used.",
    "Use 750, not `chmod 777 /srv/data`.",
    "Don't do this:\n\n```\nsudo chmod -R 777 /srv/data\n```\n",
    "❌ Wrong:\n\n```bash\nchmod 777 /srv/data\n```",
    "```bash\n# never do this\nchmod 777 /srv/data\nusermod -aG docker bob   # wrong!\n```",
    "Do not, under any circumstances, run `chmod 777 /srv/data`.",
    "Take it back with `chmod -R o-rwx /srv/data` and `gpasswd -d bob docker`.",
    "To undo it, run `chmod -R 755 /srv/data`.",
    "chmod 777 is what people reach for. chmod changes modes; usermod and adduser change accounts.",
    "The command usermod adds users to groups and adduser may do it for you.",
    "What does chmod 777 do? It gives everyone read, write and execute.",
    "# chmod 777 explained\n\nThe digits stand for owner, group and others.",
    "The chmod(1) manual page, /bin/chmod and `chmod` itself are all fine.",
    "Your umask is 022, so files are 644 and folders 755.",
    "",
    "````\n```\n````",
  ]

  @Test("Advice in the ways people write it", arguments: advising.indices)
  func advice(index: Int) {
    let (text, expected) = Self.advising[index]
    #expect(ChangeGrammar.changes(inText: text).map(notation) == expected, "\(text)")
  }

  @Test("A mention, a warning and a way back propose nothing", arguments: silent)
  func nothing(text: String) {
    #expect(ChangeGrammar.changes(inText: text).map(notation) == [], "\(text)")
  }

  @Test("The command in a sentence ends where the sentence goes on")
  func command() {
    let change = ChangeGrammar.changes(
      inText: "Just run sudo chmod -R 777 /srv/data, and you are done.")
    #expect(change.map(\.command) == ["sudo chmod -R 777 /srv/data"])
  }

  @Test("What code leaves open is said, a mention is not")
  func notUnderstood() {
    let report = ChangeGrammar.report(
      onText: "Use chmod 777.\n\n```\nsudo setfacl -M acl.txt /srv\nchmod $M /srv\n```\n")
    #expect(report.changes.isEmpty)
    #expect(report.notUnderstood == ["sudo setfacl -M acl.txt /srv", "chmod $M /srv"])
  }

  @Test("Limits hold and are told")
  func limits() {
    let many = (0..<400).map { "chmod 777 /srv/d\($0)" }.joined(separator: "\n")
    let report = ChangeGrammar.report(onText: "```\n" + many + "\n```\n")
    #expect(report.changes.count == 256)
    #expect(report.notUnderstood == ["more than 256 changes: rest left out"])
    let long = String(repeating: "word ", count: 60_000) + "\nchmod 777 /srv/data\n"
    let cut = ChangeGrammar.report(onText: long)
    #expect(cut.changes.isEmpty)
    #expect(cut.notUnderstood == ["text longer than 262144 bytes: rest not read"])
  }
}
