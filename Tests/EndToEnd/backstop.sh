#!/bin/bash
# Boots a Debian 12 in systemd-nspawn, lets an agent give access, and takes the daemon away: killed
# and masked, then failing at every start. grantwatch-backstop.timer has what falls due carried out;
# while a daemon runs it does nothing.
#
# usage: backstop.sh [BUILD]     (root; BUILD holds the release binaries, .build/release by default)
#
# See container.sh for what is kept and what is not.
# shellcheck disable=SC2317,SC2329  # check and until_true call functions by name
set -euo pipefail

cd "$(dirname "$0")/../.."
build=${1:-.build/release}
. Tests/EndToEnd/container.sh
ttl=15

prepare_tree
enforce <<END
[Rule agents]
Provenance=agent-executed
TTL=${ttl}s
OnDeadline=revoke
END
# As it is shipped it fires after five minutes.
install -D -m 644 /dev/stdin "$tree/etc/systemd/system/grantwatch-backstop.timer.d/soon.conf" <<'END'
[Timer]
OnBootSec=
OnUnitInactiveSec=
OnActiveSec=1s
OnUnitInactiveSec=1s
AccuracySec=100ms
END
for folder in first second third; do
  install -d -m 750 "$tree/srv/$folder"
  (cd "$tree/srv/$folder" && umask 027 && touch file-{1,2,3})
done
install -D -m 755 "$tree/bin/bash" "$tree/opt/claude/claude"

boot
inside useradd -m -s /bin/bash dave
inside systemctl daemon-reload
check "the service starts" inside systemctl start grantwatchd.service
((failed == 0)) || finish

list=(inside grantctl -o json list)
log() { inside grantctl -o json log | jq -s flatten; }
# The agent opens /srv/NAME to everyone, and writes the sudo rule NAME. Without process events what is
# gone at once is nobody's: it lives on for a while.
agent() { # NAME
  inside systemd-run --quiet --wait --collect --unit=agent /opt/claude/claude -c "
    echo 'dave ALL=(ALL) NOPASSWD: /usr/bin/$1' >/etc/sudoers.d/$1
    perl -e 'chmod 0757, shift; chmod 0646, @ARGV; sleep 2' /srv/$1 /srv/$1/*
    true"
}
both() { # NAME
  echo "map(select(.object == \"file:/srv/$1\" or .object == \"sudoers:/etc/sudoers.d/$1\"))"
}
seen() { # NAME
  json "$(both "$1") | length == 2 and
    all(.provenance == \"agent-executed\" and .expiresAt != null)" "${list[@]}"
}
is_open() { # NAME
  is "$(stat -c %a "$tree/srv/$1")" 757 && test -s "$tree/etc/sudoers.d/$1"
}
is_shut() { # NAME
  is "$(stat -c %a "$tree/srv/$1")" 750 &&
    is "$(find "$tree/srv/$1" -type f ! -perm 640 | wc -l)" 0 &&
    is "$(cat "$tree/etc/sudoers.d/$1")" ""
}
ended_once() { # NAME
  json "$(both "$1") | length == 2 and
    all(.state == \"ended\" and .endedBy == \"expired\" and .outcome == \"clean\")" "${list[@]}" &&
    json "map(select(.type == \"grant.revoked\" and (.text | contains(\"/$1\")))) | length == 2" log
}
# How often the record on the disk says that a backstop began.
backstops() {
  cat "$tree"/var/lib/grantwatch/ledger/*.jsonl | tr -d '\0' |
    grep -c '"daemon.started".*"backstop of ' || true
}
# How often the timer has had the backstop run.
runs() {
  inside journalctl -u grantwatch-backstop.service -o cat --no-pager |
    grep -c 'Deactivated successfully' || true
}
has_run() { [[ $(runs) -gt $1 ]]; } # TIMES
backstop_is() { # RESULT
  is "$(inside systemctl show -p Result --value grantwatch-backstop.service)" "$1"
}
active() { inside systemctl is-active grantwatchd.service || true; }


# 1. The daemon is killed and masked.
agent first
check "the agent's grants have a deadline" until_true 10 seen first
inside systemctl mask --runtime --quiet grantwatchd.service
inside systemctl kill -s KILL grantwatchd.service
is_gone() { is "$(active)" failed; }
check "the daemon is killed, and does not come back" until_true 10 is_gone
check "what the agent gave is still open" is_open first
check "the timer starts" inside systemctl start grantwatch-backstop.timer
check "what falls due is taken back, and only the timer can have had it done" \
  until_true $((ttl + 30)) is_shut first
check "the backstop ended well" until_true 30 backstop_is success
check "it is in the record" test "$(backstops)" -gt 0
inside systemctl stop grantwatch-backstop.timer
check "the record is unbroken, without a daemon" json '.ok == true' \
  inside grantctl -o json verify --state-directory /var/lib/grantwatch
check "the daemon never came" is "$(active)" failed


# 2. The daemon comes back, and the timer goes on.
inside systemctl unmask --runtime --quiet grantwatchd.service
install -D -m 644 /dev/stdin "$tree/etc/systemd/system/grantwatch-backstop.service.d/slow.conf" <<'END'
[Service]
ExecStartPost=/bin/sleep 3
END
inside systemctl daemon-reload
inside systemctl start --no-block grantwatch-backstop.service
check "the daemon starts while a backstop is at work" inside systemctl start grantwatchd.service
check "by waiting for its end" is \
  "$(inside systemctl is-active grantwatch-backstop.service || true)" inactive
rm "$tree/etc/systemd/system/grantwatch-backstop.service.d/slow.conf"
inside systemctl daemon-reload
inside systemctl start grantwatch-backstop.timer
check "it knows that the grants ended, each of them once" until_true 10 ended_once first
before=$(backstops)
runs=$(runs)
agent second
check "other grants have a deadline" until_true 10 seen second
check "the daemon takes them back, each of them once" until_true $((ttl + 20)) ended_once second
check "all is shut" is_shut second
check "meanwhile the timer fired again and again" until_true 20 has_run $((runs + 3))
check "each time the backstop found a daemon, and left all to it" is "$(backstops)" "$before"
check "the service was never restarted by systemd" is \
  "$(inside systemctl show -p NRestarts --value grantwatchd.service)" 0


# 3. The daemon fails at every start.
agent third
check "the third grants have a deadline" until_true 10 seen third
install -D -m 644 /dev/stdin "$tree/etc/systemd/system/grantwatchd.service.d/broken.conf" <<'END'
[Service]
ExecStart=
ExecStart=/bin/false
END
inside systemctl daemon-reload
fails() { ! inside systemctl restart grantwatchd.service; }
check "the daemon fails to start" fails
check "what falls due is taken back" until_true $((ttl + 30)) is_shut third
rm "$tree/etc/systemd/system/grantwatchd.service.d/broken.conf"
inside systemctl daemon-reload
check "the daemon starts again" inside systemctl restart grantwatchd.service
check "each of the grants ended once" until_true 10 ended_once third
check "those of before too" ended_once first


check "nothing was denied to the backstop" is "$(inside journalctl -u grantwatch-backstop.service \
  -o cat --no-pager | grep -iE 'not permitted|permission denied|read-only file system' || true)" ""
check "the backstop never failed" is "$(inside journalctl -u grantwatch-backstop.service -o cat \
  --no-pager | grep -E 'Failed with|backstop:' || true)" ""
check "the record is unbroken" json '.ok == true' inside grantctl -o json verify

finish
