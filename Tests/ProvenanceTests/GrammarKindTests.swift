import Grants
import Provenance
import Testing

/// The commands of all kinds beside modes and groups.
@Suite struct GrammarKindTests {
  static let key =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEbU3sF0sQKmtHtlxUY3RUuV9G0l5Yl1Zv3GZ5kQ0m3D bob@laptop"

  static let table: [(String, [String])] = [
    // Owners
    ("chown bob /srv/x", ["user:bob owns /srv/x"]),
    ("chown -R bob:staff /srv/x", ["user:bob owns /srv/x R", "group:staff owns /srv/x R"]),
    ("chown bob: /srv/x", ["user:bob owns /srv/x"]),
    ("chown :staff /srv/x /srv/y", ["group:staff owns /srv/x", "group:staff owns /srv/y"]),
    ("chown root:root /srv/x", []),
    ("chown 0:0 /srv/x", []),
    ("chown root:bob /srv/x", ["group:bob owns /srv/x"]),
    ("chown 1001 /srv/x", ["user:1001 owns /srv/x ?"]),
    ("sudo chown -R $USER:$USER /opt", ["user:$USER owns /opt R ?", "group:$USER owns /opt R ?"]),
    ("chgrp -R docker /srv/x", ["group:docker owns /srv/x R"]),
    ("chgrp root /srv/x", []),
    ("chown --from=root bob /srv/x", ["user:bob owns /srv/x ?"]),
    ("find /srv/x -exec chown bob {} +", ["user:bob owns /srv/x R"]),
    ("install -m 4755 x /usr/local/bin/x", ["everyone rxU /usr/local/bin/x"]),
    (
      "install -m 4755 x y /usr/local/bin",
      ["everyone rxU /usr/local/bin/x", "everyone rxU /usr/local/bin/y"]
    ),
    (
      "install -o bob -g staff -m 600 x /srv/x",
      ["user:bob owns /srv/x", "group:staff owns /srv/x"]
    ),
    ("install -d -m 0777 /srv/drop", ["everyone rwx /srv/drop"]),
    ("install -t /srv -m 666 a", ["everyone rw /srv/a"]),
    ("install x /usr/bin/x", []),
    ("mkdir -p -m 777 /srv/drop", ["everyone rwx /srv/drop"]),
    ("mkdir -p /srv/drop", []),
    // Access lists
    ("setfacl -m u:bob:rwx /srv/x", ["user:bob acl rwx /srv/x"]),
    (
      "setfacl -R -m u:bob:rwX,g:staff:r-x /srv",
      ["user:bob acl rwx /srv R", "group:staff acl rx /srv R"]
    ),
    ("setfacl -d -m u:bob:rw /srv", ["user:bob acl rw /srv"]),
    (
      "setfacl -m d:u:bob:rw,default:g:ops:r /srv",
      ["user:bob acl rw /srv", "group:ops acl r /srv"]
    ),
    ("setfacl --modify=user:bob:6 /srv", ["user:bob acl rw /srv"]),
    ("setfacl -m o::rx /srv", ["everyone rx /srv"]),
    ("setfacl -m g::rw /srv", ["group:* acl rw /srv"]),
    ("setfacl -m u::rwx,m::rwx /srv", []),
    ("setfacl -x u:bob /srv", []),
    ("setfacl -b /srv", []),
    (
      "setfacl --set u::rw,u:bob:r,g::r,o::- /srv/f",
      ["user:bob acl r /srv/f", "group:* acl r /srv/f"]
    ),
    ("setfacl -m u:1001:r /srv", ["user:1001 acl r /srv ?"]),
    // Capabilities
    ("setcap cap_net_raw+ep /usr/bin/x", ["cap_net_raw=ep /usr/bin/x"]),
    (
      "sudo setcap 'cap_net_admin,cap_net_raw=eip' /usr/bin/x",
      ["cap_net_admin,cap_net_raw=eip /usr/bin/x"]
    ),
    ("setcap CAP_SETUID=ep /usr/bin/python3.11", ["cap_setuid=ep /usr/bin/python3.11"]),
    ("setcap -r /usr/bin/x", []),
    ("setcap cap_net_bind_service=+ep /usr/bin/node", ["cap_net_bind_service=ep /usr/bin/node"]),
    // Accounts
    ("useradd -o -u 0 toor", ["account root toor"]),
    ("useradd -s /usr/sbin/nologin svc", []),
    ("adduser --system svc", []),
    ("adduser --disabled-password --gecos '' bob", ["account login bob"]),
    ("usermod -s /bin/bash bob", ["account shell bob"]),
    ("usermod --shell /usr/sbin/nologin bob", []),
    ("usermod -U bob", ["account login bob"]),
    ("usermod -o -u 0 bob", ["account root bob"]),
    ("usermod -e 2030-01-01 bob", ["account login bob"]),
    ("usermod -e 1970-01-02 bob", []),
    ("usermod -e '' bob", ["account login bob"]),
    ("passwd -u bob", ["account login bob"]),
    ("passwd -d bob", ["account login bob"]),
    ("passwd -l bob", []),
    ("passwd bob", ["account login bob"]),
    ("passwd", []),
    ("echo 'bob:secret' | sudo chpasswd", ["account login bob"]),
    ("chage -E -1 bob", ["account login bob"]),
    ("chage -E 0 bob", []),
    ("chage -M 90 bob", []),
    ("chsh -s /bin/bash bob", ["account shell bob"]),
    ("chsh -s /bin/zsh", ["account shell $USER ?"]),
    ("gpasswd -M alice,bob docker", ["alice in docker", "bob in docker"]),
    ("echo 'x::0:0::/root:/bin/sh' >> /etc/passwd", ["account root x"]),
    ("echo 'docker:x:999:bob' | sudo tee -a /etc/group", ["bob in docker"]),
    // sudoers
    (
      "echo 'bob ALL=(ALL) NOPASSWD: ALL' | sudo tee /etc/sudoers.d/bob",
      ["sudo user:bob NOPASSWD: ALL @/etc/sudoers.d/bob"]
    ),
    (
      "echo \"bob ALL=(ALL:ALL) NOPASSWD:ALL\" >> /etc/sudoers",
      ["sudo user:bob NOPASSWD: ALL @/etc/sudoers"]
    ),
    (
      "sudo sh -c 'echo \"%ops ALL=(ALL) ALL\" > /etc/sudoers.d/ops'",
      ["sudo group:ops ALL @/etc/sudoers.d/ops"]
    ),
    (
      "printf '%s\\n' 'bob ALL=(root) NOPASSWD: /usr/bin/systemctl restart app, /usr/bin/journalctl' > /etc/sudoers.d/app",
      [
        "sudo user:bob NOPASSWD: /usr/bin/systemctl restart app, /usr/bin/journalctl @/etc/sudoers.d/app"
      ]
    ),
    (
      "sudo tee /etc/sudoers.d/x <<EOF\nalice, bob ALL=(www-data) NOPASSWD: ALL\nDefaults:bob !authenticate\nEOF\n",
      [
        "sudo user:alice (www-data) NOPASSWD: ALL @/etc/sudoers.d/x",
        "sudo user:bob (www-data) NOPASSWD: ALL @/etc/sudoers.d/x",
        "sudo user:bob NOPASSWD (Defaults) @/etc/sudoers.d/x",
      ]
    ),
    (
      "cat > /etc/sudoers.d/x <<'EOF'\nCmnd_Alias WEB = /bin/a, /bin/b\nbob ALL=(ALL) NOPASSWD: WEB\nEOF",
      ["sudo user:bob NOPASSWD: /bin/a, /bin/b @/etc/sudoers.d/x"]
    ),
    (
      "echo 'bob ALL=(ALL) ALL' | sudo EDITOR='tee -a' visudo",
      ["sudo user:bob ALL @/etc/sudoers"]
    ),
    (
      "U=bob; echo \"$U ALL=(ALL) NOPASSWD: ALL\" | sudo tee \"/etc/sudoers.d/$U\"",
      ["sudo user:bob NOPASSWD: ALL @/etc/sudoers.d/bob"]
    ),
    (
      "echo \"$USER ALL=(ALL) NOPASSWD: ALL\" | sudo tee /etc/sudoers.d/me",
      ["sudo user:$USER NOPASSWD: ALL @/etc/sudoers.d/me ?"]
    ),
    (
      "echo 'bob ALL=(ALL) ALL' > /tmp/b && visudo -cf /tmp/b && install -m 0440 /tmp/b /etc/sudoers.d/b",
      ["sudo user:bob ALL @/etc/sudoers.d/b", "group:* r /etc/sudoers.d/b"]
    ),
    ("sudo sed -i '$ a bob ALL=(ALL) ALL' /etc/sudoers", ["sudo user:bob ALL @/etc/sudoers"]),
    ("tee -a /etc/sudoers <<< 'bob ALL=(ALL) ALL'", ["sudo user:bob ALL @/etc/sudoers"]),
    ("echo hello | tee /tmp/x", []),
    // Keys
    ("ssh-copy-id bob@web1", ["key:? bob ?"]),
    ("ssh-copy-id -i ~/.ssh/id.pub web1", ["key:? $USER ?"]),
    ("curl https://github.com/bob.keys >> ~bob/.ssh/authorized_keys", ["key:? bob ?"]),
    ("cat id_ed25519.pub >> ~/.ssh/authorized_keys", ["key:? $USER ?"]),
    // polkit
    (
      "cat <<EOF | sudo tee /etc/polkit-1/rules.d/49-x.rules\npolkit.addRule(function(a,s){return polkit.Result.YES;});\nEOF",
      ["polkit:/etc/polkit-1/rules.d/49-x.rules"]
    ),
    ("sudo cp x.rules /etc/polkit-1/rules.d/", ["polkit:/etc/polkit-1/rules.d/x.rules"]),
    // Databases and clusters
    (
      "sudo -u postgres psql -d shop -c 'GRANT SELECT, INSERT ON TABLE orders TO app'",
      ["role:app SELECT, INSERT postgresql:shop/table/orders"]
    ),
    ("psql -c 'ALTER ROLE app SUPERUSER'", ["role:app SUPERUSER postgresql:role/app"]),
    (
      "psql shop <<SQL\nGRANT ALL ON orders TO app;\nSQL",
      ["role:app ALL postgresql:shop/table/orders"]
    ),
    ("echo 'GRANT admin TO bob' | psql", ["role:bob member postgresql:role/admin"]),
    ("psql -c 'GRANT SELECT ON t TO app'", ["role:app SELECT postgresql:?/table/t ?"]),
    ("createuser -s bob", ["role:bob LOGIN SUPERUSER postgresql:role/bob"]),
    (
      "kubectl create clusterrolebinding x --clusterrole=cluster-admin --user=bob",
      ["user:bob ClusterRole/cluster-admin kubernetes:clusterrolebinding/x"]
    ),
    (
      "kubectl -n web create rolebinding x --role edit --serviceaccount=web:ci --group=devs",
      [
        "serviceaccount:web/ci Role/edit kubernetes:rolebinding/web/x",
        "group:devs Role/edit kubernetes:rolebinding/web/x",
      ]
    ),
    ("kubectl get clusterrolebinding", []),
    // What runs what
    ("systemd-run --unit=x -p User=root chmod 777 /a", ["everyone rwx /a"]),
    ("echo 'chmod 777 /a' | at now + 1 minute", ["everyone rwx /a"]),
    ("echo 'chmod 777 /a' | sudo bash", ["everyone rwx /a"]),
    ("(crontab -l; echo '* * * * * chmod 777 /a') | crontab -", []),
    ("echo '* * * * * chmod 777 /a' | crontab -", ["everyone rwx /a"]),
    ("echo '* * * * * root chmod 777 /a' > /etc/cron.d/x", ["everyone rwx /a"]),
    ("ssh root@web1 'chmod 777 /a'", ["everyone rwx /a"]),
    ("chroot /srv/img usermod -aG sudo bob", ["bob in sudo"]),
    ("echo /a /b | xargs chmod 666", ["everyone rw /a", "everyone rw /b"]),
    ("find /srv/x -print0 | xargs -0 chmod 666", ["everyone rw /srv/x R"]),
    ("find /srv -name '*.sh' | xargs -I{} chmod +x {}", ["everyone x /srv R ?"]),
    (
      "for u in a b; do for g in x y; do gpasswd -a $u $g; done; done",
      ["a in x", "a in y", "b in x", "b in y"]
    ),
    ("while read f; do chmod 777 \"$f\"; done < list", ["everyone rwx $f ?"]),
    ("chmod 666 /var/run/docker.sock", ["everyone rw /var/run/docker.sock"]),
    ("for a in 1 2; do chmod 777 /a$a | done", ["everyone rwx /a1", "everyone rwx /a2"]),
    ("for a in 1 2; do A=1 done; chmod 777 /a", ["everyone rwx /a"]),
    ("true; ls -l /x && chmod 777 /a", ["everyone rwx /a"]),
    ("foo bar | grep chmod; chmod 777 /a", ["everyone rwx /a"]),
  ]

  @Test("The table of kinds", arguments: table.indices)
  func kinds(index: Int) {
    let (line, expected) = Self.table[index]
    #expect(ChangeGrammar.changes(inCommand: line).map(notation) == expected, "\(line)")
  }

  @Test("Of a key in the text the fingerprint is told")
  func fingerprint() {
    for line in [
      "echo '\(Self.key)' >> /home/bob/.ssh/authorized_keys",
      "echo 'no-pty \(Self.key)' | sudo tee -a /home/bob/.ssh/authorized_keys",
      "cat >> /home/bob/.ssh/authorized_keys <<EOF\n# bob\n\(Self.key)\nEOF",
    ] {
      let changes = ChangeGrammar.changes(inCommand: line)
      #expect(changes.map(\.object) == ["account:bob"], "\(line)")
      #expect(
        changes.map(\.subject) == ["key:SHA256:UemGWsuR9uQXfbQz8i8EUXT0SHp1o2NGaLD8dkZV7Os"],
        "\(line)")
      #expect(changes.filter { !$0.exact }.isEmpty)
    }
  }

  @Test(
    "What it cannot understand it says",
    arguments: [
      "docker run -v /:/host -it alpine sh", "docker run --privileged x",
      "docker run -v /var/run/docker.sock:/var/run/docker.sock x", "sudo visudo",
      "sed -i 's/^# %wheel/%wheel/' /etc/sudoers", "sudo vipw",
      "cp /tmp/x /etc/sudoers.d/x", "curl https://x.example/i.sh | sudo bash",
      "kubectl edit clusterrolebinding admin", "createuser --interactive",
      "mysql -e \"GRANT ALL ON *.* TO 'bob'@'%'\"", "gpasswd -A alice docker",
      "base64 -d x > /etc/sudoers.d/x", "chpasswd < list", "echo 'permit bob' >> /etc/doas.conf",
    ])
  func unclear(line: String) {
    let report = ChangeGrammar.report(onCommand: Array(line.utf8))
    #expect(report.changes.isEmpty, "\(line)")
    #expect(report.notUnderstood.count == 1, "\(line)")
  }
}
