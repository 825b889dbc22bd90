/// Texts as agents and forums write them, each with the effects that it proposes.
enum AdviceTextSamples {
  private static let data = "everyone rwx /srv/data"

  static let all: [(text: String, effects: [String])] = english + quoted + blocks + tongues + others

  private static let english: [(text: String, effects: [String])] = [
    ("Run `sudo chmod 777 /srv/data` and you are done.", [data]),
    ("Please run sudo chmod 777 /srv/data.", [data]),
    ("You can simply use `chmod a+rwx /srv/data`.", [data]),
    ("Quick fix: chmod 777 /srv/data", [data]),
    ("I'd just do a `chmod -R 777 /srv/data` here, nobody will notice.", [data + " R"]),
    ("The simplest thing is to run `sudo chmod -R a+rwX /srv/data`!", [data + " R"]),
    ("First, `cd /srv && sudo chmod 777 data`, then restart.", [data]),
    ("sudo usermod -aG docker bob", ["bob in docker"]),
    ("Add bob to the docker group: `sudo gpasswd -a bob docker`.", ["bob in docker"]),
    ("Execute `adduser bob sudo` as root.", ["bob in sudo"]),
    ("Then type sudo adduser bob sudo and log in again.", ["bob in sudo"]),
    ("Try `usermod -aG wheel,docker bob`; it usually helps.", ["bob in wheel", "bob in docker"]),
    (
      "Take ownership with `sudo chown -R bob:bob /opt/app`.",
      ["user:bob owns /opt/app R", "group:bob owns /opt/app R"]
    ),
    ("Just sudo chown bob /opt/app and try again.", ["user:bob owns /opt/app"]),
    (
      "Use `setfacl -m u:bob:rwx /srv/data`, it is the cleaner way.", ["user:bob acl rwx /srv/data"]
    ),
    (
      "Run setfacl -R -m g:dev:rX /srv/data to let the team read.", ["group:dev acl rx /srv/data R"]
    ),
    (
      "To bind port 80: `sudo setcap 'cap_net_bind_service=+ep' /usr/bin/node`.",
      ["cap_net_bind_service=ep /usr/bin/node"]
    ),
    (
      "Run sudo setcap cap_net_raw+ep /usr/bin/dumpcap, no root needed then.",
      ["cap_net_raw=ep /usr/bin/dumpcap"]
    ),
    ("The account is locked; `sudo passwd -u bob` opens it.", ["account login bob"]),
    ("The account has expired: run `sudo chage -E -1 bob`.", ["account login bob"]),
    ("Give bob a shell with `sudo chsh -s /bin/bash bob`.", ["account shell bob"]),
    ("Or `sudo usermod -s /bin/bash bob`.", ["account shell bob"]),
    ("Create the user: `sudo useradd -m -G sudo bob`.", ["account login bob", "bob in sudo"]),
    (
      "Make the helper setuid: `sudo chmod u+s /usr/local/bin/helper`.",
      ["everyone U /usr/local/bin/helper"]
    ),
    (
      "For the socket, `sudo chmod 666 /var/run/docker.sock` will do.",
      ["everyone rw /var/run/docker.sock"]
    ),
    ("Copy your key with `ssh-copy-id bob@web1`.", ["key:? bob ?"]),
    (
      "run: echo 'bob ALL=(ALL) NOPASSWD: ALL' | sudo tee /etc/sudoers.d/bob",
      ["sudo user:bob NOPASSWD: ALL @/etc/sudoers.d/bob"]
    ),
    (
      "Passwordless sudo: `echo \"bob ALL=(ALL) NOPASSWD:ALL\" | sudo tee /etc/sudoers.d/bob`",
      ["sudo user:bob NOPASSWD: ALL @/etc/sudoers.d/bob"]
    ),
    (
      "Use `psql shop -c 'GRANT SELECT ON orders TO app'`.",
      ["role:app SELECT postgresql:shop/table/orders"]
    ),
    (
      "As postgres run `psql -c 'ALTER ROLE app WITH SUPERUSER'`.",
      ["role:app SUPERUSER postgresql:role/app"]
    ),
    ("In psql: `GRANT admin TO bob;`", ["role:bob member postgresql:role/admin"]),
    (
      "Try `kubectl create clusterrolebinding b --clusterrole=cluster-admin --user=bob`.",
      ["user:bob ClusterRole/cluster-admin kubernetes:clusterrolebinding/b"]
    ),
    (
      "It might be permissions. If so, chmod 755 /opt/app/run.sh should be enough.",
      ["everyone rx /opt/app/run.sh"]
    ),
    ("Open it for the group only: `chmod -R g+rwX /srv/data`", ["group:* rwx /srv/data R"]),
    ("Everything below: `find /srv/data -type d -exec chmod 777 {} +`", [data + " R"]),
    ("Everything below: `find /srv/data -type f | xargs chmod 666`", ["everyone rw /srv/data R"]),
    ("As root, do `sh -c 'chmod 777 /srv/data'`.", [data]),
    ("Use `pkexec chmod 777 /srv/data` if sudo is missing.", [data]),
    ("With doas: `doas chmod 777 /srv/data`", [data]),
    ("`su -c 'chmod 777 /srv/data'` works without sudo, too.", [data]),
    ("Run it in the background: `sudo systemd-run chmod 777 /srv/data`", [data]),
    ("Do it at night: `echo 'chmod 777 /srv/data' | sudo at 02:00`", [data]),
    ("On the server: `ssh root@web1 'chmod 777 /srv/data'`", [data]),
  ]

  private static let quoted: [(text: String, effects: [String])] = [
    ("> How do I share it?\n\nsudo chmod 777 /srv/data\n", [data]),
    (">> help\n> $ sudo chmod 777 /srv/data", [data]),
    ("Type \"sudo chmod 777 /srv/data\" into the terminal.", [data]),
    ("Type 'sudo usermod -aG docker bob' into the terminal.", ["bob in docker"]),
    ("Run **sudo chmod 777 /srv/data** once.", [data]),
    ("Run <code>sudo chmod 777 /srv/data</code> once.", [data]),
    ("(sudo chmod 777 /srv/data)", [data]),
    ("1. sudo chmod 777 /srv/data\n2. restart it", [data]),
    ("- sudo chmod 777 /srv/data\n- done", [data]),
    ("* `sudo chmod 777 /srv/data`", [data]),
    ("Step 1: sudo usermod -aG docker bob", ["bob in docker"]),
    ("$ sudo chmod 777 /srv/data", [data]),
    ("# chmod 777 /srv/data", [data]),
    ("root@web1:~# chmod 777 /srv/data", [data]),
    ("[bob@web1 ~]$ sudo chmod 777 /srv/data", [data]),
    ("    sudo chmod 777 /srv/data\n", [data]),
    ("Try:\n\n    sudo usermod -aG docker bob\n    newgrp docker\n", ["bob in docker"]),
    ("``sudo chmod 777 /srv/data``", [data]),
    ("sudo chmod \\\n  777 /srv/data", [data]),
    ("Set `chmod 777` on `/srv/data`.", [data]),
  ]

  private static let blocks: [(text: String, effects: [String])] = [
    ("```\nsudo chmod 777 /srv/data\n```", [data]),
    ("```bash\n#!/bin/bash\nset -e\nsudo chmod 777 /srv/data\n```", [data]),
    ("~~~sh\nchmod 777 /srv/data\n~~~", [data]),
    ("```console\n$ sudo chmod 777 /srv/data\n$ ls -ld /srv/data\n```", [data]),
    ("```bash\nD=/srv/data\nchmod 777 \"$D\"\n```", [data]),
    (
      "```bash\nfor d in a b; do\n  chmod 777 /srv/$d\ndone\n```",
      ["everyone rwx /srv/a", "everyone rwx /srv/b"]
    ),
    ("```bash\nif [ -d /srv/data ]; then\n  chmod 777 /srv/data\nfi\n```", [data]),
    ("```bash\nfix() { chmod 777 /srv/data; }\nfix\n```", [data]),
    ("```bash\nsudo bash <<'EOF'\nchmod 777 /srv/data\nEOF\n```", [data]),
    (
      "```bash\nsudo tee /etc/sudoers.d/bob <<EOF\nbob ALL=(ALL) NOPASSWD: ALL\nEOF\n```",
      ["sudo user:bob NOPASSWD: ALL @/etc/sudoers.d/bob"]
    ),
    (
      "```bash\ncat <<'EOF' | sudo tee /etc/sudoers.d/ops\n%ops ALL=(root) NOPASSWD: /bin/systemctl\nEOF\n```",
      ["sudo group:ops NOPASSWD: /bin/systemctl @/etc/sudoers.d/ops"]
    ),
    ("```bash\nsudo mkdir -p -m 777 /srv/data\n```", [data]),
    ("```bash\nsudo install -d -m 0777 /srv/data\n```", [data]),
    ("```bash\nsudo install -m 4755 x /usr/local/bin/x\n```", ["everyone rxU /usr/local/bin/x"]),
    (
      "```bash\ncurl -s https://k.example/bob.pub >> /home/bob/.ssh/authorized_keys\n```",
      ["key:? bob ?"]
    ),
    (
      "```sql\nGRANT admin TO bob;\nALTER ROLE app SUPERUSER;\n```",
      ["role:bob member postgresql:role/admin", "role:app SUPERUSER postgresql:role/app"]
    ),
    (
      "```sql\nGRANT SELECT ON orders TO app;\n```", ["role:app SELECT postgresql:?/table/orders ?"]
    ),
    (
      "```bash\nsudo -u postgres psql shop <<SQL\nGRANT ALL ON orders TO app;\nSQL\n```",
      ["role:app ALL postgresql:shop/table/orders"]
    ),
    (
      "```\nsudo -u postgres createuser -s bob\n```",
      ["role:bob LOGIN SUPERUSER postgresql:role/bob"]
    ),
    (
      "```\nkubectl -n web create rolebinding e --clusterrole=edit --serviceaccount=web:ci\n```",
      ["serviceaccount:web/ci ClusterRole/edit kubernetes:rolebinding/web/e"]
    ),
    ("```python\nsubprocess.run(\"chmod 777 /srv/data\", shell=True)\n```", [data]),
    (
      "```bash\n(crontab -l 2>/dev/null); echo '@reboot chmod 777 /srv/data' | crontab -\n```",
      [data]
    ),
    (
      "```bash\necho '%wheel ALL=(ALL) NOPASSWD: ALL' > /tmp/w\nsudo visudo -cf /tmp/w && sudo cp /tmp/w /etc/sudoers.d/w\n```",
      ["sudo group:wheel NOPASSWD: ALL @/etc/sudoers.d/w"]
    ),
    (
      "```bash\necho 'bob ALL=(ALL) ALL' | sudo EDITOR='tee -a' visudo\n```",
      ["sudo user:bob ALL @/etc/sudoers"]
    ),
    (
      "```bash\nchmod 777 /srv/data # open\nusermod -aG docker bob # and the group\n```",
      [data, "bob in docker"]
    ),
    (
      "```bash\nsudo cp 10-x.rules /etc/polkit-1/rules.d/10-x.rules\n```",
      ["polkit:/etc/polkit-1/rules.d/10-x.rules"]
    ),
    (
      "```bash\nsudo groupmems -g docker -a bob; sudo groupmod -aU bob adm\n```",
      ["bob in docker", "bob in adm"]
    ),
    (
      "```bash\nsudo sed -i '$ a bob ALL=(ALL) ALL' /etc/sudoers\n```",
      ["sudo user:bob ALL @/etc/sudoers"]
    ),
    ("```bash\nprintf 'bob:pw\\n' | sudo chpasswd\n```", ["account login bob"]),
    (
      "```bash\nsudo chgrp -R dev /srv/data && sudo chmod -R g+w /srv/data\n```",
      ["group:dev owns /srv/data R", "group:* w /srv/data R"]
    ),
  ]

  private static let tongues: [(text: String, effects: [String])] = [
    ("Führen Sie `sudo chmod 777 /srv/data` aus.", [data]),
    ("Am einfachsten: sudo usermod -aG docker bob", ["bob in docker"]),
    ("Gib einfach sudo chmod 777 /srv/data ein.", [data]),
    ("Exécutez `sudo chmod 777 /srv/data`, puis redémarrez.", [data]),
    ("Il suffit de faire sudo chown -R bob /opt/app", ["user:bob owns /opt/app R"]),
    ("Ejecuta `sudo usermod -aG docker bob` y vuelve a entrar.", ["bob in docker"]),
    ("Esegui `sudo chmod -R 777 /srv/data`.", [data + " R"]),
    ("Execute o comando:\n\n```\nsudo chmod 777 /srv/data\n```", [data]),
    ("Выполните `sudo chmod 777 /srv/data`.", [data]),
    ("以下を実行してください:\n```\nsudo chmod 777 /srv/data\n```", [data]),
    ("请运行 `sudo usermod -aG docker bob`。", ["bob in docker"]),
    ("Uruchom `sudo gpasswd -a bob docker`.", ["bob in docker"]),
    ("Kör `sudo setfacl -m u:bob:rw /srv/data`.", ["user:bob acl rw /srv/data"]),
    ("Voer `sudo passwd -d bob` uit.", ["account login bob"]),
  ]

  private static let others: [(text: String, effects: [String])] = [
    ("I changed nothing yet. Shall I run `chmod 777 /srv/data`?", [data]),
    ("Plan:\n- read the log\n- `sudo usermod -aG adm bob`\n- report", ["bob in adm"]),
    ("{\"command\": \"sudo chmod 777 /srv/data\"}", [data]),
    ("cmd='sudo chmod 777 /srv/data'", [data]),
    ("The fix (tested): sudo chmod 777 /srv/data && sudo systemctl restart app", [data]),
    ("sudo chmod 777 /srv/data; sudo chmod 666 /srv/f", [data, "everyone rw /srv/f"]),
    ("If that fails, as a last resort: `sudo chmod 777 /srv/data`.", [data]),
  ]
}
