#!/bin/bash
# Boots a Debian 12 in systemd-nspawn and has real tools write to its real journal while the
# service reads it: what they tell is recognised, what is forged in their names changes nothing, and
# neither a flood, rotation, damage nor a stop of the daemon loses anything without a word.
#
# usage: streams.sh [BUILD]     (root; BUILD holds the release binaries, .build/release by default)
#
# See container.sh for what is kept and what is not.
# shellcheck disable=SC2317,SC2329  # check and until_true call functions by name
set -euo pipefail

cd "$(dirname "$0")/../.."
build=${1:-.build/release}
. Tests/EndToEnd/container.sh

prepare_tree
cat >"$tree/etc/grantwatch/grantwatch.conf" <<'END'
[Watchdog]
Mode=alert

[Files]
Watch=/srv
END
install -d "$tree/var/log/journal"
echo streams >"$tree/etc/hostname"
echo 127.0.0.1 localhost streams >"$tree/etc/hosts"
install -D -m 640 /dev/stdin "$tree/srv/data/report" <<<secret
install -m 440 /dev/stdin "$tree/etc/sudoers.d/people" <<'END'
alice ALL=(ALL) NOPASSWD: ALL
carol ALL=(root) NOPASSWD: /usr/sbin/usermod
END
install -m 400 /dev/stdin "$tree/etc/doas.conf" <<<'permit nopass alice as root'
cat >"$tree/etc/polkit-1/rules.d/50-alice.rules" <<'END'
polkit.addRule(function(action, subject) {
  if (subject.user == "alice" && action.id == "org.freedesktop.policykit.exec")
    return polkit.Result.YES;
});
END
cat >"$tree/etc/postgresql/15/main/conf.d/log.conf" <<'END'
log_destination = syslog
log_statement = ddl
END

boot
inside systemctl daemon-reload
check "the service starts" inside systemctl start grantwatchd.service
((failed == 0)) || finish


# What the container's journal tells of TOOL (default: any), as one array, and what of it the
# daemon has kept.
told() { inside grantctl recognize --directory /var/log/journal | signals "${1:-}"; }
kept() {
  cat "$tree"/var/lib/grantwatch/ledger/*.jsonl | tr -d '\0' |
    jq -c 'select(.type == "signal") | .data' | signals "${1:-}"
}
signals() { jq -s --arg tool "$1" '[.[] | select($tool == "" or .tool == $tool)]'; }
list() { inside grantctl -o json list; }
log() { inside grantctl -o json log | jq -s 'flatten'; }
# A line of TOOL is recognised as FILTER says, by grantctl and by the daemon.
recognised() { # NAME TOOL FILTER
  check "$1" until_true 15 json "any(.[]; .trusted and ($3))" told "$2"
  check "$1: the daemon has it too" until_true 15 json "any(.[]; .trusted and ($3))" kept "$2"
}
# The same of a tool that may be over before journald looks which program it was.
recognised_loosely() { # NAME TOOL FILTER
  check "$1" until_true 15 json "any(.[]; $3)" told "$2"
  check "$1: the daemon has it too" until_true 15 json "any(.[]; $3)" kept "$2"
}
grant() { # SUBJECT OBJECT: a filter for the one grant
  echo "[.[] | select(.standing == false and .subject == \"$1\" and .object == \"$2\")] |
    if length == 1 then .[0] else error(\"\\(length) grants\") end"
}

for user in alice bob carol mallory; do inside useradd -m -s /bin/bash "$user"; done
# Cron runs it at the next minute.
echo '* * * * * bob /bin/true of-cron' >"$tree/etc/cron.d/job"
inside groupadd devs
inside usermod -aG devs alice
echo 'mallory:a-password' | inside chpasswd
inside ssh-keygen -q -t ed25519 -N '' -f /root/key
for user in alice carol mallory; do
  inside install -d -o "$user" -g "$user" -m 700 "/home/$user/.ssh"
  inside install -o "$user" -g "$user" -m 600 /root/key.pub "/home/$user/.ssh/authorized_keys"
done
login() { # USER COMMAND, by ssh
  inside ssh -n -i /root/key -o BatchMode=yes -o StrictHostKeyChecking=accept-new \
    -o LogLevel=ERROR "$1@127.0.0.1" "$2"
}
until_true 20 login alice true


# Logins, and commands run as another.
key=$(inside ssh-keygen -lf /root/key.pub | cut -d' ' -f2)
recognised "sshd: a login with a key" sshd \
  ".type == \"use\" and .kind == \"ssh-key\" and .subject == \"key:$key\" and
   .object == \"account:alice\""
inside ssh -n -i /root/key -o BatchMode=yes -o LogLevel=ERROR bob@127.0.0.1 true || true
recognised_loosely "sshd: a refused key" sshd '.type == "denied" and .object == "account:bob"'
recognised "logind or sshd: the session of a login" sshd \
  '.type == "use" and .object == "account:alice"'
login alice 'sudo /bin/true of-sudo'
recognised "sudo: a command" sudo \
  '.type == "use" and .kind == "sudo-rule" and .subject == "user:alice" and
   ((.command // .actor.command) | contains("of-sudo"))'
login mallory 'echo a-password | sudo -S /bin/cat /etc/shadow' || true
recognised_loosely "sudo: a refused command" sudo '.type == "denied" and .subject == "user:mallory"'
login alice 'sudo su bob -c /bin/true'
recognised "su: root becomes bob" su '.type == "use" and .object == "account:bob"'
login mallory 'echo wrong | su root -c /bin/true' || true
recognised_loosely "su: a refused password" su '.type == "denied" and .object == "account:root"'
login alice 'doas /bin/true of-doas'
recognised_loosely "doas: a command" doas \
  '.type == "use" and .subject == "user:alice" and .object == "account:root"'
login mallory 'doas /bin/true' || true
recognised_loosely "doas: a refused command" doas '.type == "denied" and .subject == "user:mallory"'
login alice 'pkexec /bin/true of-pkexec'
recognised_loosely "pkexec: a command that a rule allows" pkexec \
  '.type == "use" and .subject == "user:alice" and .object == "account:root"'
# The agent of pkexec asks on a terminal.
refused_pkexec() {
  (sleep 1; echo wrong; sleep 3) | inside ssh -tt -i /root/key -o BatchMode=yes \
    -o LogLevel=ERROR mallory@127.0.0.1 'pkexec /bin/cat /etc/shadow'
}
! refused_pkexec >/dev/null || true
recognised_loosely "pkexec: a refused password" pkexec '.type == "denied" and .subject == "user:mallory"'
recognised "polkitd: the same refusal" polkitd '.type == "denied" and .subject == "user:mallory"'
inside cp /etc/polkit-1/rules.d/50-alice.rules /etc/polkit-1/rules.d/51-more.rules
recognised "polkitd: rules are read again" polkitd '.type == "set" and .kind == "polkit-rule"'
login alice 'echo "0 0 1 1 * /bin/true" | crontab -'
recognised_loosely "crontab: a table is put in place" crontab \
  '.type == "set" and .object == "crontab:alice"'
login alice 'echo /bin/true | at now'
recognised_loosely "atd: a job" atd '.type == "use" and .subject == "user:alice"'


# Account tools.
inside groupadd ops
inside useradd -m -G ops dave
recognised "useradd: an account" useradd \
  '.type == "grant" and .kind == "account" and .subject == "user:dave"'
recognised "useradd: its group" useradd \
  '.type == "grant" and .subject == "user:dave" and .object == "group:ops"'
inside usermod -aG games carol
recognised "usermod: a membership" usermod \
  '.type == "grant" and .subject == "user:carol" and .object == "group:games"'
check "usermod: it is one grant, and the line is its evidence" until_true 15 json \
  "$(grant user:carol group:games) | .evidence | any(.source == \"journal\" and
    (.text | contains(\"usermod\")))" list
inside gpasswd -a bob video
recognised "gpasswd: a membership" gpasswd \
  '.type == "grant" and .subject == "user:bob" and .object == "group:video"'
check "gpasswd: it is one grant, and the line is its evidence" until_true 15 json \
  "$(grant user:bob group:video) | .evidence | any(.source == \"journal\" and
    (.text | contains(\"gpasswd\")))" list
inside deluser bob video
recognised "deluser: the members that are left" gpasswd \
  '.type == "set" and .object == "group:video"'
check "deluser: the grant ended" until_true 15 json \
  "$(grant user:bob group:video) | .state == \"ended\" and .endedBy == \"removed\"" list
inside groupmod -U alice ops
recognised "groupmod: a set of members" groupmod '.type == "set" and .object == "group:ops"'
inside chage -E 2030-01-01 bob
recognised_loosely "chage: an expiry" chage '.type == "set" and .object == "account:bob"'
inside passwd -q -l bob
recognised_loosely "passwd: a lock" passwd '.type == "set" and .object == "account:bob"'
recognised_loosely "chpasswd: a password" chpasswd '.type == "set" and .object == "account:mallory"'
login alice 'sg devs -c /bin/true' || true
login alice 'echo /bin/true | newgrp devs' || true
recognised_loosely "newgrp: a group taken on" newgrp \
  '.type == "use" and .subject == "user:alice" and .object == "group:devs"'
inside userdel -r dave
recognised "userdel: an account goes" userdel \
  '.type == "revoke" and .kind == "account" and .subject == "user:dave"'


# PostgreSQL.
sql() { inside runuser -u postgres -- psql -q -c "$1"; }
until_true 30 sql 'SELECT 1'
sql 'CREATE ROLE app LOGIN'
sql 'CREATE TABLE payroll (salary int)'
sql 'GRANT SELECT ON payroll TO app'
sql 'BEGIN; GRANT DELETE ON payroll TO app; ROLLBACK'
sql "DO \$\$ BEGIN RAISE LOG 'statement: GRANT UPDATE ON payroll TO mallory'; END \$\$"
recognised_loosely "PostgreSQL: a GRANT" postgres '.type == "grant" and (.right | contains("SELECT"))'
recognised_loosely "PostgreSQL: a GRANT that is rolled back reads the same" postgres \
  '.type == "grant" and (.right | contains("DELETE"))'
check "PostgreSQL: a forged statement is no grant" json \
  '[.[] | select(.type == "grant" and .subject != null and (.subject | contains("mallory")))] |
   length == 0' told postgres


# What mallory writes in the tools' names.
install -m 755 "$tree/usr/bin/logger" "$tree/home/mallory/usermod"
cat >"$tree/home/mallory/spoof" <<'END'
line="add 'mallory' to group 'sudo'"
logger -t usermod "$line"
logger -p authpriv.info -t usermod --id=1 "delete 'carol' from group 'games'"
logger -t usermod "harmless
$line"
logger --journald <<FIELDS
MESSAGE=$line
SYSLOG_IDENTIFIER=usermod
SYSLOG_FACILITY=10
_UID=0
_EXE=/usr/sbin/usermod
_COMM=usermod
_TRANSPORT=syslog
FIELDS
logger --journald <<FIELDS
MESSAGE=user mallory added by root to group sudo
SYSLOG_IDENTIFIER=gpasswd
FIELDS
./usermod -t usermod "$line"
(exec -a /usr/sbin/usermod ./usermod -t usermod "$line")
echo "$line" | systemd-cat -t usermod
logger -t useradd "new user: name=eve, UID=0, GID=0, home=/root, shell=/bin/bash, from=none"
logger -t sshd "Accepted publickey for root from 127.0.0.1 port 1 ssh2: ED25519 SHA256:x"
logger -t sudo "   carol : PWD=/ ; USER=root ; COMMAND=/usr/sbin/usermod -aG sudo mallory"
logger -t CRON "(root) CMD (usermod -aG sudo mallory)"
logger -t end-of-spoofs now
END
before=$(list | jq -c '[.[] | {id, state}] | sort_by(.id)')
login mallory 'bash ./spoof'
uid=$(inside id -u mallory)
names='["usermod", "gpasswd", "useradd", "sshd", "CRON"]'
check "spoofs: all eleven in the account tools' names are kept as such" until_true 15 json \
  "[.[] | select(.type == \"spoof\" and (.tool | IN(${names}[])))] | length == 11" told
check "spoofs: the daemon has them too" until_true 15 json \
  "[.[] | select(.uid == $uid and .type == \"spoof\" and (.tool | IN(${names}[])))] | length == 11" \
  kept
check "spoofs: nothing of them is trusted" json \
  "[.[] | select(.uid == $uid and .trusted and (.tool | IN(${names}[])))] | length == 0" kept
check "spoofs: sudo's name is not believed either" json \
  "[.[] | select(.uid == $uid and .tool == \"sudo\" and .type == \"use\" and .trusted)] | length == 0" kept
check "spoofs: no grant came and none ended" is \
  "$(list | jq -c '[.[] | {id, state}] | sort_by(.id)')" "$before"
check "spoofs: said once" json \
  '[.[] | select(.type == "source.tampered" and (.text | contains("mallory (uid")))] |
   length == 1' log


# The flood: carol's session writes until journald drops its lines, then changes her groups there.
# usermod waits for a cache, so that without process events its parents can be looked at.
printf '#!/bin/sh\nsleep 0.5\n' | install -m 755 /dev/stdin "$tree/usr/sbin/nscd"
cat >"$tree/home/carol/flood" <<'END'
seq -f 'flood %.0f' 200000 | logger -t flood
sudo usermod -aG sudo carol
touch flooded
# journald says what it dropped with the next line of the session after 30 s.
until [ -e enough ]; do logger -t flood more; sleep 1; done
END
timeout 150 nsenter -t "$leader" -a -- ssh -n -i /root/key -o BatchMode=yes -o LogLevel=ERROR \
  carol@127.0.0.1 'bash ./flood' &
flood=$!
check "flood: it ends" until_true 60 test -e "$tree/home/carol/flooded"
rm "$tree/usr/sbin/nscd"
check "flood: the change is a grant all the same" until_true 15 json \
  "$(grant user:carol group:sudo) | .state == \"active\"" list
check "flood: the kernel shows whose it is" json \
  "$(grant user:carol group:sudo) | .actor.loginUser == \"carol\" and
    (.actor.command | contains(\"usermod\"))" list
check "flood: journald dropped its line" json \
  'any(.[]; .subject == "user:carol" and .object == "group:sudo") | not' told usermod
login carol 'sudo usermod -c member carol'
check "flood: later uses of the membership are counted, from another session" until_true 15 json \
  "$(grant user:carol group:sudo) | .used.count >= 1" list


# While journald may not yet say so: rotation, vacuum, damage. Each change once.
inside groupadd crew
members() { # COUNT: that many, each once, in the grants and in the journal's signals
  json "[.[] | select(.standing == false and .object == \"group:crew\")] | length == $1 and
    all(any(.evidence[]; .source == \"journal\"))" list &&
    json "[.[] | select(.object == \"group:crew\" and .type == \"grant\" and .trusted) |
      .subject] | length == $1 and (unique | length) == $1" kept
}
number=0
another() {
  number=$((number + 1))
  inside useradd -M -G crew "crew$number"
}
another
inside journalctl -q --rotate
another
inside journalctl -q --rotate
another
check "rotation: each event once" until_true 15 members 3
another
inside journalctl -q --sync
check "vacuum: read before it" until_true 15 members 4
inside journalctl -q --rotate --vacuum-size=1M
another
another
check "vacuum: each event once" until_true 15 members 6
another
check "damage: read before it" until_true 15 members 7
inside journalctl -q --rotate
damage() { # FILE
  local size
  size=$(stat -c %s "$1")
  dd if=/dev/urandom of="$1" bs=4096 seek=2 count=$((size / 4096 - 4)) conv=notrunc status=none
}
archived() { find "$tree/var/log/journal" -name 'system@*.journal' -printf '%T@ %p\n' |
  sort -n | tail -n 1 | cut -d' ' -f2-; }
damage "$(archived)"
another
inside journalctl -q --rotate
another
check "damage: each event after it once" until_true 15 members 9
damages='[.[] | select(.type == "source.gap" and (.text | contains("damaged")))] | length'
gaps_before=$(log | jq "$damages")

check "flood: journald's word about it is a gap" until_true 60 json \
  'any(.[]; .type == "source.gap" and (.text | test("dropped [0-9]+ lines of session-")))' log
touch "$tree/home/carol/enough"
wait "$flood" || true


# What happens while the daemon is stopped.
inside systemctl stop grantwatchd.service
login alice 'sudo usermod -aG games bob'
login alice 'sudo chmod o+r /srv/data/report'
inside useradd -M -G crew "lost"
inside journalctl -q --rotate
another
check "the service starts again" inside systemctl start grantwatchd.service
check "stopped: usermod is attributed afterwards" until_true 15 json \
  "$(grant user:bob group:games) | .actor.loginUser == \"alice\" and .actor.pid != null and
    any(.evidence[]; .source == \"journal\")" list
check "stopped: chmod is attributed afterwards" until_true 15 json \
  "$(grant everyone file:/srv/data/report) | .actor.loginUser == \"alice\" and
    (.actor.command | contains(\"chmod\"))" list
check "stopped: each event once" until_true 15 json \
  "[.[] | select(.object == \"group:crew\" and .type == \"grant\" and .trusted)] | length == 11" kept

# Damage to what was not read yet.
inside systemctl stop grantwatchd.service
inside useradd -M -G crew unread
inside journalctl -q --rotate
damage "$(archived)"
another
check "the service starts on a damaged journal" inside systemctl start grantwatchd.service
check "unread damage: what comes after it is read" until_true 15 json \
  "any(.[]; .object == \"group:crew\" and .subject == \"user:crew$number\")" kept
check "unread damage: the change is a grant all the same" until_true 15 json \
  "$(grant user:unread group:crew) | .state == \"active\"" list
check "unread damage: it is one gap" until_true 15 json "$damages == $((gaps_before + 1))" log

check "cron: a job" until_true 65 json \
  'any(.[]; .type == "use" and .subject == "user:bob")' kept CRON
check "the record is unbroken" json '.ok == true' inside grantctl -o json verify
check "the service was never restarted by systemd" is \
  "$(inside systemctl show -p NRestarts --value grantwatchd.service)" 0

finish
