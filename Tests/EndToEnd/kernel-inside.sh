#!/bin/bash
# The checks of kernel.sh, run by the booted machine itself: before a reboot, and after it.
# shellcheck disable=SC2317,SC2329  # check and until_true call functions by name
set -uo pipefail

work=/var/tmp
# shellcheck source=Tests/EndToEnd/checks.sh
. /usr/local/sbin/checks.sh
claude=/opt/claude/claude
phase=/var/lib/checks-phase

list() { grantctl -o json list; }
# An agent's command line: taken in by pid 1, so that nothing else tells of an agent.
agent() { systemd-run --quiet --wait --collect --unit="agent-$RANDOM" "$claude" -c "$1"; }
ended() { # KIND...: every grant of these kinds has ended, clean
  local kind
  for kind in "$@"; do
    json "[.[] | select(.kind == \"$kind\" and .standing == false)] |
      length > 0 and all(.state == \"ended\" and .endedBy == \"expired\" and .outcome == \"clean\")" \
      list || return
  done
}
# What stands for all the access of this machine.
access() {
  grep -E '^(docker|bob)' /etc/group /etc/passwd
  cat /etc/sudoers.d/[!R]* /home/bob/.ssh/authorized_keys 2>/dev/null
  (cd /srv/data && stat -c '%n %a %U' -- * && getfacl -p -- * && getcap -- *)
}

# Whose the hundred short chmods are: one that was read late is known a little less surely.
surely() {
  is "$(list | jq -c '[.[] | select(.object | startswith("file:/srv/data/short-")) |
    [.provenance, .agent.name, (.confidence | IN("certain", "strong"))]] | group_by(.) |
    map([.[0], length])')" '[[["agent-executed","claude-code",true],100]]'
}
tells_of_a_gap() { grantctl log | grep -F source.gap | grep -F 'it was not running'; }
configure() { # TTL
  cat >/etc/grantwatch/grantwatch.conf <<END
[Watchdog]
Mode=enforce

[Files]
Watch=/srv

[Approval]
Approvers=root
Authenticate=no

[Rule agents]
Provenance=agent-executed agent-advised
TTL=$1
OnDeadline=revoke
END
}

before_the_reboot() {
  local kinds=(group-member account sudo-rule ssh-key file-mode file-owner file-acl file-capability)
  systemd-sysusers
  install -D -m 755 /bin/bash "$claude"
  groupadd docker
  useradd -m -s /bin/bash bob
  install -d -o bob -g bob -m 700 /home/bob/.ssh
  install -o bob -g bob -m 600 /dev/null /home/bob/.ssh/authorized_keys
  install -d -m 750 /srv/data
  for name in mode owner list tool; do install -m 640 /bin/true "/srv/data/$name"; done
  (cd /srv/data && umask 027 && seq -f 'short-%g' 100 | xargs touch)
  install -D -m 644 /usr/lib/grantwatch/enforce.conf \
    /etc/systemd/system/grantwatchd.service.d/enforce.conf
  configure 20s
  systemctl daemon-reload
  systemctl -q enable grantwatchd.service
  check "Debian's kernel 6.1" is "$(uname -r | cut -d. -f1-2)" 6.1
  check "the audit rules are accepted" auditctl -R /etc/grantwatch/audit.rules
  check "auditing is on" auditctl -e 1
  check "the service starts" systemctl start grantwatchd.service
  check "every source is there" json '[.[] | select(.name | test("fanotify|process|journal|audit")) |
    select(.state != "ok")] == []' grantctl -o json doctor
  access >"$work/before"

  # shellcheck disable=SC2016  # the agent's shell expands it
  agent '
    for n in $(seq 100); do chmod o+r /srv/data/short-$n; done
    gpasswd -a bob docker
    useradd -m -s /bin/bash eve
    (umask 337; echo "bob ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/bob)
    ssh-keygen -q -t ed25519 -N "" -f /root/key && cat /root/key.pub >>/home/bob/.ssh/authorized_keys
    chmod 4755 /srv/data/mode; chown bob /srv/data/owner; setfacl -m u:bob:rw /srv/data/list
    setcap cap_net_raw=ep /srv/data/tool'
  check "a hundred chmods, each gone after a moment, are the agent's, surely" until_true 60 surely
  check "and what each of them ran is known, from audit where it was gone too soon" until_true 30 json \
    '[.[] | select(.object | startswith("file:/srv/data/short-")) |
      select(.actor.command == "chmod o+r " + (.object | ltrimstr("file:")))] | length == 100' list
  local kind
  for kind in "${kinds[@]}"; do
    check "$kind: a grant of the agent's" until_true 60 json \
      "[.[] | select(.kind == \"$kind\" and .standing == false)] |
      length > 0 and all(.provenance == \"agent-executed\" and .agent.name == \"claude-code\" and
        (.confidence == \"certain\" or .confidence == \"strong\"))" list
  done
  check "the kernel's audit record of a chmod is evidence" until_true 30 json \
    '[.[] | select(.object == "file:/srv/data/mode") | .evidence[] | select(.source == "audit")] |
      length > 0' list
  check "all of it ends, clean" until_true 120 ended "${kinds[@]}"
  check "and is as it was" is "$(access)" "$(cat "$work/before")"
  check "verify" json '.ok == true' grantctl -o json verify

  configure 45s
  check "reload" systemctl reload grantwatchd.service
  agent 'gpasswd -a bob docker; chmod o+w /srv/data/list'
  check "two grants run when the machine goes down" until_true 30 json \
    '[.[] | select(.state == "active" and .standing == false)] | length == 2' list
  list | jq '[.[] | select(.state == "active" and .standing == false) | .id]' >"$work/running"
  date +%s >"$work/down"
  echo "$passed $failed" >"$phase"
  # The record of the mount is what a crash leaves, not an orderly end.
  sync
  systemctl --force reboot
}

after_the_reboot() {
  read -r passed failed <"$phase"
  check "the machine was started again" is "$(systemctl is-enabled grantwatchd 2>&1 | head -n 1)" \
    enabled
  check "the service is active" until_true 60 systemctl is-active grantwatchd.service
  check "what ran out meanwhile, or soon, is taken back" until_true 90 json \
    "[.[] | select(.id as \$id | $(cat "$work/running") | index(\$id))] |
      length == 2 and all(.state == \"ended\" and .endedBy == \"expired\" and .outcome == \"clean\" and
        .activeSecondsMin >= 44)" list
  check "no grant is there twice" json \
    '[.[] | select(.standing == false and .state == "active")] == []' list
  check "and all is as it was before anything" is "$(access)" "$(cat "$work/before")"
  check "the time in which nobody looked is a gap" until_true 10 tells_of_a_gap
  check "verify" json '.ok == true' grantctl -o json verify
  check "the service was never restarted by systemd" is \
    "$(systemctl show -p NRestarts --value grantwatchd.service)" 0
}

if [[ ! -e $phase ]]; then
  before_the_reboot
  exit
fi
after_the_reboot
if ((failed > 0)); then
  journalctl -u grantwatchd -o short-precise --no-pager -n 60 | sed 's/^/# /'
fi
echo "$passed passed, $failed failed"
echo "end of all: $failed failed"
systemctl --force poweroff
