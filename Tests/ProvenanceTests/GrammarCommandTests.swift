import Grants
import Provenance
import Testing

@Suite struct GrammarCommandTests {
  static let table: [(String, [String])] = [
    ("chmod 777 /srv/data", ["everyone rwx /srv/data"]),
    ("chmod 0777 /srv/data", ["everyone rwx /srv/data"]),
    ("chmod 775 /srv/data", ["everyone rwx /srv/data"]),
    ("chmod 755 /srv/data", ["everyone rx /srv/data"]),
    ("chmod 644 /srv/f", ["everyone r /srv/f"]),
    ("chmod 770 /srv/data", ["group:* rwx /srv/data"]),
    ("chmod 750 /srv/data", ["group:* rx /srv/data"]),
    ("chmod 4755 /usr/local/bin/x", ["everyone rxU /usr/local/bin/x"]),
    ("chmod 2770 /srv/team", ["group:* rwxG /srv/team"]),
    ("chmod 4700 /srv/x", []),
    ("chmod 1777 /srv/tmp", ["everyone rwx /srv/tmp"]),
    ("chmod 7 /srv/x", ["everyone rwx /srv/x"]),
    ("chmod 00777 /srv/x", ["everyone rwx /srv/x"]),
    ("chmod 700 /srv/data", []),
    ("chmod 600 /srv/key", []),
    ("chmod 0 /srv/key", []),
    ("chmod 999 /srv/data", []),
    ("chmod 77777 /srv/data", []),
    ("chmod o-w /srv/data", []),
    ("chmod go-rwx /srv/data", []),
    ("chmod -w /srv/data", []),
    ("chmod u+x /srv/run.sh", []),
    ("chmod u=rwx,go= /srv/data", []),
    ("chmod a+rwX /srv/data", ["everyone rwx /srv/data"]),
    ("chmod o+r /srv/data", ["everyone r /srv/data"]),
    ("chmod ugo+rw /srv/data", ["everyone rw /srv/data"]),
    ("chmod g=rwx /srv/data", ["group:* rwx /srv/data"]),
    ("chmod g+w /srv/data", ["group:* w /srv/data"]),
    ("chmod o=u /srv/data", ["everyone rwx /srv/data"]),
    ("chmod u=rx,o=u /srv/data", ["everyone rx /srv/data"]),
    ("chmod a+rwx,o-w /srv/data", ["everyone rwx /srv/data"]),
    ("chmod g+rw,o+rw,g-rw,o-w /srv/data", ["everyone r /srv/data"]),
    ("chmod u+s /usr/local/bin/x", ["everyone U /usr/local/bin/x"]),
    ("chmod ug+s /usr/local/bin/x", ["everyone UG /usr/local/bin/x"]),
    ("chmod +x /srv/run.sh", ["everyone x /srv/run.sh"]),
    ("chmod +w /srv/f", ["group:* w /srv/f"]),
    ("chmod =rw /srv/f", ["everyone rw /srv/f"]),
    ("chmod -t /srv/tmp", ["everyone w /srv/tmp"]),
    ("chmod o-t /srv/tmp", ["everyone w /srv/tmp"]),
    ("chmod u-t /srv/tmp", []),
    ("chmod o+w-r+x /srv/f", ["everyone wx /srv/f"]),
    ("chmod +111 /srv/f", ["everyone x /srv/f"]),
    ("chmod -R 777 /srv/data", ["everyone rwx /srv/data R"]),
    ("chmod 777 -R /srv/data", ["everyone rwx /srv/data R"]),
    ("chmod 777 /srv/data -R", ["everyone rwx /srv/data R"]),
    ("chmod --recursive -v 777 /srv/data", ["everyone rwx /srv/data R"]),
    ("chmod --recurs 777 /srv/data", ["everyone rwx /srv/data R"]),
    ("chmod -Rf a+rX -- /srv/data", ["everyone rx /srv/data R"]),
    ("chmod -vR o+r /srv/a /srv/b", ["everyone r /srv/a R", "everyone r /srv/b R"]),
    ("chmod 666 /srv/a /srv/b", ["everyone rw /srv/a", "everyone rw /srv/b"]),
    ("/bin/chmod 666 /dev/ttyUSB0", ["everyone rw /dev/ttyUSB0"]),
    ("chmod 777 /srv//data/./x/../y/", ["everyone rwx /srv/data/y"]),
    ("chmod 777 /../../srv", ["everyone rwx /srv"]),
    ("chmod 777 /", ["everyone rwx /"]),
    ("chmod 777 data", ["everyone rwx data ?"]),
    ("chmod 777 ./data", ["everyone rwx data ?"]),
    ("chmod 777 ../data", ["everyone rwx ../data ?"]),
    ("chmod 777 .", ["everyone rwx . ?"]),
    ("chmod 777 ~/data", ["everyone rwx ~/data ?"]),
    ("chmod 777 \"$HOME/data\"", ["everyone rwx $HOME/data ?"]),
    ("chmod 777 /srv/*", ["everyone rwx /srv/* ?"]),
    ("chmod 777 $(pwd)/x", ["everyone rwx $(pwd)/x ?"]),
    ("chmod 777 '/srv/my data'", ["everyone rwx /srv/my data"]),
    ("chmod 777 /srv/my\\ data", ["everyone rwx /srv/my data"]),
    ("chmod 777 \"/srv/my data\"/x", ["everyone rwx /srv/my data/x"]),
    ("chmod 777 '/srv/*'", ["everyone rwx /srv/*"]),
    ("chmod \\\n  -R 777 \\\n  /srv/data", ["everyone rwx /srv/data R"]),
    ("sudo chmod 777 /srv/data", ["everyone rwx /srv/data"]),
    ("sudo -u root -n -- chmod 777 /srv/data", ["everyone rwx /srv/data"]),
    ("sudo -nu root FOO=1 chmod 777 /srv/data", ["everyone rwx /srv/data"]),
    ("sudo --user=root chmod 777 /srv/data", ["everyone rwx /srv/data"]),
    ("sudo --user root chmod 777 /srv/data", ["everyone rwx /srv/data"]),
    ("sudo -l chmod 777 /srv/data", []),
    ("sudo -D /srv chmod 777 data", ["everyone rwx /srv/data"]),
    ("sudo env A=b chmod 777 /srv/data", ["everyone rwx /srv/data"]),
    ("A=b B=c chmod 777 /srv/data", ["everyone rwx /srv/data"]),
    ("doas -u root chmod 777 /srv/data", ["everyone rwx /srv/data"]),
    ("pkexec chmod 777 /srv/data", ["everyone rwx /srv/data"]),
    ("command chmod 777 /srv/data", ["everyone rwx /srv/data"]),
    ("command -v chmod 777 /srv/data", []),
    ("nohup time chmod 777 /srv/data &", ["everyone rwx /srv/data"]),
    ("nice -n 5 timeout -k 3 10s chmod 777 /srv/data", ["everyone rwx /srv/data"]),
    ("$SUDO chmod 777 /srv/data", ["everyone rwx /srv/data"]),
    ("$ sudo chmod 777 /srv/data", ["everyone rwx /srv/data"]),
    ("bash -c 'chmod 777 /srv/data'", ["everyone rwx /srv/data"]),
    (
      "sudo bash -lc \"chmod 777 /a; chmod o+r /b\"",
      ["everyone rwx /a", "everyone r /b"]
    ),
    ("sh -c \"bash -c 'chmod 777 /srv/data'\"", ["everyone rwx /srv/data"]),
    ("su - root -c 'chmod 777 /srv/data'", ["everyone rwx /srv/data"]),
    ("su -c \"chmod 777 /srv/data\"", ["everyone rwx /srv/data"]),
    ("eval chmod 777 /srv/data", ["everyone rwx /srv/data"]),
    ("cd /srv && chmod -R 777 data", ["everyone rwx /srv/data R"]),
    ("(cd /srv; true); chmod 777 data", ["everyone rwx data ?"]),
    ("DIR=/srv/data; chmod -R 777 \"$DIR\"", ["everyone rwx /srv/data R"]),
    ("export DIR=/srv\nchmod 777 ${DIR}/data", ["everyone rwx /srv/data"]),
    ("A='/srv/a /srv/b'; chmod 666 $A", ["everyone rw /srv/a", "everyone rw /srv/b"]),
    ("A='/srv/a b'; chmod 666 \"$A\"", ["everyone rw /srv/a b"]),
    ("A=/srv; read A; chmod 777 $A/x", ["everyone rwx $A/x ?"]),
    ("A=/srv; A+=x; chmod 777 $A/y", ["everyone rwx $A/y ?"]),
    ("for d in /a /b; do chmod 777 $d/x; done", ["everyone rwx /a/x", "everyone rwx /b/x"]),
    ("if true; then chmod 777 /srv; fi", ["everyone rwx /srv"]),
    ("true && chmod 777 /a || chmod 777 /b | cat", ["everyone rwx /a", "everyone rwx /b"]),
    ("(chmod 777 /a) & { chmod 777 /b; }", ["everyone rwx /a", "everyone rwx /b"]),
    ("echo $(chmod 777 /a) `chmod 777 /b`", ["everyone rwx /a", "everyone rwx /b"]),
    ("chmod 777 /a # open it", ["everyone rwx /a"]),
    ("# chmod 777 /a", []),
    ("echo chmod 777 /a", []),
    ("echo 'x; chmod 777 /a'", []),
    ("chmod 777 /a >/dev/null 2>&1", ["everyone rwx /a"]),
    (
      "sudo sh <<'EOF'\nchmod 777 /srv/data\nEOF\nchmod 777 /b",
      [
        "everyone rwx /srv/data", "everyone rwx /b",
      ]
    ),
    (
      "find /srv/data -type f -exec chmod 666 {} \\;", ["everyone rw /srv/data R"]
    ),
    (
      "find /srv/data -name '*.sh' -exec chmod a+x {} +", ["everyone x /srv/data R ?"]
    ),
    ("chmod --reference=/a /b", []),
    ("chmod 777", []),
    ("sudo usermod -aG docker bob", ["bob in docker"]),
    ("usermod -a -G docker,sudo bob", ["bob in docker", "bob in sudo"]),
    ("usermod bob -aG docker", ["bob in docker"]),
    ("usermod --append --groups docker bob", ["bob in docker"]),
    ("usermod -G docker bob", ["bob in docker"]),
    ("usermod --groups=docker -a bob", ["bob in docker"]),
    ("usermod -aGdocker bob", ["bob in docker"]),
    ("usermod -g docker bob", ["bob in docker"]),
    ("usermod --prefix /srv/img -aG sudo bob", ["bob in sudo"]),
    ("usermod -P /srv/img -aG sudo bob", ["bob in sudo"]),
    ("usermod -R /srv/img -aG sudo bob", ["bob in sudo"]),
    ("usermod --root=/srv/img -aG sudo bob", ["bob in sudo"]),
    ("usermod -rG sudo bob", []),
    ("usermod -L bob", []),
    ("usermod -s /bin/bash -c 'Bob B' -aG docker bob", ["account shell bob", "bob in docker"]),
    ("usermod -aG docker $USER", ["$USER in docker ?"]),
    ("usermod -aG docker \"$(whoami)\"", ["$(whoami) in docker ?"]),
    ("usermod -aG docker <username>", ["<username> in docker ?"]),
    ("usermod -aG 999 bob", ["bob in 999 ?"]),
    ("gpasswd -a bob docker", ["bob in docker"]),
    ("gpasswd --add bob docker", ["bob in docker"]),
    ("gpasswd -M alice,bob docker", ["alice in docker", "bob in docker"]),
    ("gpasswd -d bob docker", []),
    ("gpasswd -Q /srv/img -a bob docker", ["bob in docker"]),
    ("adduser bob docker", ["bob in docker"]),
    ("adduser --quiet bob docker", ["bob in docker"]),
    ("adduser bob", ["account login bob"]),
    ("adduser --ingroup docker bob", ["account login bob", "bob in docker"]),
    ("addgroup bob docker", ["bob in docker"]),
    ("addgroup staff2", []),
    ("deluser bob docker", []),
    (
      "useradd -m -G docker,adm -s /bin/bash bob",
      ["account login bob", "bob in docker", "bob in adm"]
    ),
    ("useradd -m bob", ["account login bob"]),
    ("groupmod -a -U bob docker", ["bob in docker"]),
    ("groupmod --append --users alice,bob docker", ["alice in docker", "bob in docker"]),
    ("groupmod -n new old", []),
    ("groupadd -U bob,carol team", ["bob in team", "carol in team"]),
    ("groupadd team", []),
    ("groupmems -a bob -g docker", ["bob in docker"]),
    ("groupmems -g docker -a bob", ["bob in docker"]),
    ("groupmems -d bob -g docker", []),
    ("newgrp docker", []),
  ]

  @Test("The table of commands", arguments: table.indices)
  func commands(index: Int) {
    let (line, expected) = Self.table[index]
    #expect(ChangeGrammar.changes(inCommand: line).map(notation) == expected, "\(line)")
  }

  @Test(
    "What stands around a command that nothing is known of is passed over, not what it runs",
    arguments: [
      "x 'a; b' \"c | d\"; @", "x \"it's\" && @", "x --since \"5 min ago\" $Y >/dev/null 2>&1; @",
      "x > /dev/null; @", "x a=\"b c\" || @", "x 'a' |\n@", "x \"$(@)\"", "x \"a `@` b\"", "x $(@)",
      "x '$(id)'; @", "x \"a \\\" b\"; @", "x don't\n@", "x 'open\n@", "x \"open\n@", "x <(@)",
      "x >/dev/nullx; @", "x 2>&1 | y \"z\"; @", "x $Y/z; @", "x ${Y}; @", "x \"$Y\"; @",
      "x \"a\"'b'; @", "x # 'not open\n@", "x \"a\" # it's\n@", "x <<E\n'\nE\n@", "x 'a'\\\n; @",
    ])
  func passedOver(_ line: String) {
    let whole = line.replacing("@", with: "chmod 777 /srv/data")
    #expect(
      ChangeGrammar.changes(inCommand: whole).map(notation) == ["everyone rwx /srv/data"],
      "\(whole)")
  }

  @Test("A command that nothing is known of may still write to a file that decides on access")
  func writtenByAnother() {
    for line in ["x \"a\" >/etc/sudoers.d/y", "x 'a' $B > /etc/sudoers.d/y", "x >>/etc/sudoers"] {
      #expect(ChangeGrammar.report(onCommand: Array(line.utf8)).notUnderstood == [line], "\(line)")
    }
  }

  @Test("What it cannot resolve, it says")
  func notUnderstood() {
    for line in [
      "chmod --reference=/a /b", "chmod $MODE /srv", "cat list | xargs chmod 777",
      "sudo setfacl --restore=f", "chown --reference=/a /srv/x", "chmod 999 /srv/data",
      "usermod -aG docker",
    ] {
      let report = ChangeGrammar.report(onCommand: Array(line.utf8))
      #expect(report.changes.isEmpty, "\(line)")
      #expect(report.notUnderstood.count == 1, "\(line)")
    }
    #expect(ChangeGrammar.report(onCommand: Array("ls -l; echo hi".utf8)) == GrammarReport())
  }

  @Test("The command is kept as written, sudo included")
  func commandText() {
    func command(_ line: String) -> String? {
      ChangeGrammar.changes(inCommand: line).first?.command
    }
    #expect(command("true; sudo chmod -R 777 /srv/data | cat") == "sudo chmod -R 777 /srv/data")
    #expect(command("sudo chmod \\\n   777 \\\n /srv/x") == "sudo chmod 777 /srv/x")
    #expect(command("sudo bash -c 'chmod 777 /a; ls'") == "sudo bash -c 'chmod 777 /a; ls'")
    let long = "chmod 777 /" + String(repeating: "é\\ ", count: 400)
    let cut = command(long)
    #expect((cut?.utf8.count ?? 0) <= 512)
    #expect((cut?.utf8.count ?? 0) > 480)
  }

  @Test("Names that are not UTF-8 or hold a newline are escaped")
  func strangeNames() {
    let change = ChangeGrammar.changes(
      inCommand: Array("chmod 777 '/srv/a".utf8) + [0xff, 0x0a] + Array("b'".utf8))
    #expect(change.map(\.object) == ["file:/srv/a\\xff\\x0ab"])
    #expect(change.first?.command == "chmod 777 '/srv/a\\xff\\x0ab'")
  }
}
