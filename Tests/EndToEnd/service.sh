#!/bin/bash
# Boots a Debian 12 in systemd-nspawn, installs Grantwatch there, starts its service, lets an agent
# grant itself access, and reads what became of it with grantctl and journalctl.
#
# usage: service.sh [BUILD]     (root; BUILD holds the release binaries, .build/release by default)
#
# See container.sh for what is kept and what is not.
# shellcheck disable=SC2317,SC2329  # check and until_true call functions by name
set -euo pipefail

cd "$(dirname "$0")/../.."
build=${1:-.build/release}
. Tests/EndToEnd/container.sh
ttl=20

prepare_tree
enforce <<END
[Approval]
Approvers=root
Authenticate=no

[Rule agents]
Provenance=agent-executed agent-advised
TTL=${ttl}s
OnDeadline=revoke
END
# Without process events a command of one millisecond may be gone before anybody can look at its
# parents. So what changes the modes lives on for a while, and usermod waits for a cache.
install -d -m 750 "$tree/srv/data"
(cd "$tree/srv/data" && umask 027 && seq -f 'file-%g' 5000 | xargs touch)
printf '#!/bin/sh\nsleep 1\n' | install -D -m 755 /dev/stdin "$tree/usr/sbin/nscd"
install -D -m 755 "$tree/bin/bash" "$tree/opt/claude/claude"
install -D -m 4750 "$tree/bin/true" "$tree/srv/data/tool"


boot
check "group grantwatch is there" inside getent group grantwatch
check "user grantwatch-notify is there" inside getent passwd grantwatch-notify
check "the configuration is accepted" inside grantwatchd --check-config
inside systemctl daemon-reload
check "the service starts and says that it is ready" inside systemctl start grantwatchd.service
check "the service is active" inside systemctl is-active grantwatchd.service
((failed == 0)) || finish
check "status exits 0" inside grantctl status
check "status: version, enforce mode" \
  json '.version == "0.1.0" and .mode == "enforce" and .ledger.records > 0' \
  inside grantctl -o json status
check "no IP socket is open to the service" \
  is "$(inside systemctl show -p RestrictAddressFamilies --value grantwatchd.service |
    tr ' ' '\n' | sort | xargs)" "AF_NETLINK AF_UNIX"

inside useradd -m carol
inside systemd-run --quiet --wait --collect --unit=agent \
  /opt/claude/claude -c 'cd /srv/data
    perl -e "chmod 04777, pop; chmod 0777, @ARGV; sleep 2" . file-* tool
    usermod -aG games carol'

file_grant='[.[] | select(.kind == "file-mode" and .object == "file:/srv/data" and .standing == false)]'
group_grant='[.[] | select(.kind == "group-member" and .object == "group:games" and .standing == false)]'
list=(inside grantctl -o json list)
check "the chmod is one grant to everyone" until_true 15 \
  json "$file_grant | length == 1 and .[0].subject == \"everyone\"" "${list[@]}"
check "it counts all 5,002 items" until_true 15 json "$file_grant | .[0].items == 5002" "${list[@]}"
check "an agent did it, found through /proc" json "$file_grant | .[0] |
  .provenance == \"agent-executed\" and .agent.name == \"claude-code\" and
  .confidence == \"strong\"" "${list[@]}"
check "the membership is a grant" until_true 15 \
  json "$group_grant | length == 1 and .[0].subject == \"user:carol\"" "${list[@]}"
check "usermod's own line in the journal is its evidence" until_true 15 json \
  "$group_grant | .[0].evidence | any(.source == \"journal\" and (.text | contains(\"games\")))" \
  "${list[@]}"
check "both have a deadline" json \
  "[($file_grant + $group_grant)[] | select(.expiresAt != null)] | length == 2" "${list[@]}"
file_id=$("${list[@]}" | jq -r "$file_grant | .[0].id // \"none\"") || true

# shellcheck disable=SC2016  # the agent's shell expands it
check "the agent cannot approve its own grant" is "$(inside systemd-run --quiet --wait --collect \
  --pipe /opt/claude/claude -c "grantctl approve $file_id --for 1h --reason mine >/dev/null 2>&1"'
  echo $?')" 1


modes_are_back() {
  is "$(find "$tree/srv/data" -type f -name 'file-*' ! -perm 640 | wc -l)" 0 &&
    is "$(stat -c %a "$tree/srv/data")" 750 && is "$(stat -c %a "$tree/srv/data/tool")" 4750
}
not_a_member() { ! inside id -nG carol | grep -qw games; }
check "the grants end, expired" until_true $((ttl + 40)) json \
  "[($file_grant + $group_grant)[] | select(.state == \"ended\" and .endedBy == \"expired\")] |
  length == 2" "${list[@]}"
check "every mode is what it was, setuid included" modes_are_back
check "carol is no member any more" not_a_member
check "exposure stayed near the deadline" json \
  "$file_grant | .[0].activeSeconds | . >= $ttl - 1 and . <= $ttl + 10" "${list[@]}"


journal() { inside journalctl -u grantwatchd.service -o json --no-pager | jq -s .; }
check "the journal has the grant, with a MESSAGE_ID" json "[.[] |
  select(.MESSAGE_ID != null and (to_entries | any((.key | startswith(\"GRANTWATCH_\")) and
    .value == \"$file_id\")))] | length > 0" journal
check "verify finds an unbroken record" json '.ok == true and (.problems | length) == 0' \
  inside grantctl -o json verify

record() { "${list[@]}" | jq -c '[.[] | {id, state, endedBy}] | sort_by(.id)'; }
before=$(record) || true
inside systemctl restart grantwatchd.service
check "after a restart the service is active" inside systemctl is-active grantwatchd.service
check "and the record is the same" is "$(record)" "$before"
check "reload keeps it running" inside systemctl reload grantwatchd.service
check "status exits 0 after a reload" inside grantctl status
inside systemctl start grantwatch-notify.service || true
check "the notifier runs as its own user" is "$(inside ps -o user:32= -p \
  "$(inside systemctl show -p MainPID --value grantwatch-notify.service)")" grantwatch-notify
check "the service was never restarted by systemd" is \
  "$(inside systemctl show -p NRestarts --value grantwatchd.service)" 0
check "it stops cleanly" inside systemctl stop grantwatch-notify.service grantwatchd.service
check "with the result success" is \
  "$(inside systemctl show -p Result --value grantwatchd.service)" success
if [[ $(inside systemctl show -p LimitNICE --value grantwatchd.service) == 24 ]] &&
  prlimit --nice=24 true 2>/dev/null; then
  check "no library complained in the journal" is \
    "$(inside journalctl -u grantwatchd -u grantwatch-notify -o cat --no-pager | grep -c Failed)" 0
else
  echo "skipped - no library complained in the journal: without CAP_SYS_RESOURCE LimitNICE= is void"
fi
check "verify without a daemon" json '.ok == true' \
  inside grantctl -o json verify --state-directory /var/lib/grantwatch

finish
