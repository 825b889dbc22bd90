#!/bin/bash
# Boots a Debian 12 in systemd-nspawn and lets an agent give access of every kind. The service, in its
# sandbox, takes each back at its deadline, an admin has each put back, and it is taken back again.
# Rules, keys and accounts get ends of their own where a rule says NativeExpiry=yes.
#
# usage: revocations.sh [BUILD]     (root; BUILD holds the release binaries, .build/release by default)
#
# See container.sh for what is kept and what is not.
# shellcheck disable=SC2317,SC2329  # check and until_true call functions by name
set -euo pipefail

cd "$(dirname "$0")/../.."
build=${1:-.build/release}
. Tests/EndToEnd/container.sh
ttl=30

prepare_tree
enforce <<END
[Approval]
Approvers=ann
Authenticate=no

[Rule fused]
Provenance=agent-executed
Object=*fused*
TTL=${ttl}s
OnDeadline=revoke
NativeExpiry=yes

[Rule agents]
Provenance=agent-executed
TTL=${ttl}s
OnDeadline=revoke
OnResidue=terminate
END
sed -i 's/^#Cap/Cap/' "$tree/etc/systemd/system/grantwatchd.service.d/enforce.conf"
# Without process events a command of one millisecond may be gone before anybody can look at its
# parents. So what changes files lives on for a while, and account tools wait for a cache.
for folder in modes owned listed able; do
  install -d -m 750 "$tree/srv/$folder"
  (cd "$tree/srv/$folder" && umask 027 && touch file-{1,2,3})
done
install -D -m 4750 "$tree/bin/true" "$tree/srv/modes/tool"
printf '#!/bin/sh\nsleep 0.5\n' | install -D -m 755 /dev/stdin "$tree/usr/sbin/nscd"
install -D -m 755 "$tree/bin/bash" "$tree/opt/claude/claude"
install -d -m 700 "$tree/etc/skel/.ssh"
install -m 440 /dev/stdin "$tree/etc/sudoers.d/people" <<<'dave ALL=(root) /usr/bin/id'
# A public key that nobody has: its type, and the same byte again and again.
key() { # BYTE COMMENT
  { printf '\0\0\0\013ssh-ed25519\0\0\0\040' && head -c 32 /dev/zero | tr '\0' "$1"; } |
    base64 -w 0 | sed "s/^/ssh-ed25519 /; s/\$/ $2\n/"
}
# Root has a way in that no agent gave.
key r root | install -D -m 600 /dev/stdin "$tree/root/.ssh/authorized_keys"
echo 127.0.0.1 localhost >"$tree/etc/hosts"

# The bytes of cap_net_raw=ep, see capability.h; 188 is setxattr(2).
cat >"$tree/opt/claude/files.pl" <<'END'
my $dave = getpwnam "dave";
chmod 0757, "/srv/modes"; chmod 0646, glob "/srv/modes/file-*"; chmod 04757, "/srv/modes/tool";
chown $dave, 0, "/srv/owned", glob "/srv/owned/*";
my ($name, $able) = ("security.capability", pack "V5", 0x02000001, 1 << 13, 0, 0, 0);
syscall 188, my $file = $_, $name, $able, 20, 0 for glob "/srv/able/*";
sleep 2;
END
# It sets what it has read, and waits for more.
cat >"$tree/opt/claude/lists" <<'END'
list() { printf '# file: srv/%s\nuser::%s\nuser:dave:rwx\ngroup::%s\nmask::rwx\nother::---\n\n' "$@"; }
list listed rwx r-x
for n in 1 2 3; do list listed/file-$n rw- r--; done
sleep 2
END
cat >"$tree/opt/claude/task" <<END
perl /opt/claude/files.pl &
bash /opt/claude/lists | (cd / && exec setfacl --restore=-) &
usermod -aG games dave
usermod -o -u 0 ray
umask 227
echo 'dave ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/agent
echo 'fused ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/fused
umask 022
echo '$(key a agent)' >>/home/dave/.ssh/authorized_keys
echo 'polkit.addRule(function() { return polkit.Result.YES; });' >/etc/polkit-1/rules.d/60-agent.rules
useradd -m -s /bin/bash -p '$(openssl passwd -6 secret)' fused
useradd -m -s /bin/bash guest
# A folder that has just been made is watched a moment later.
sleep 1
echo '$(key f fused)' >>/home/fused/.ssh/authorized_keys
chown -R fused: /home/fused/.ssh
echo "\$(</root/key.pub)" >>/home/guest/.ssh/authorized_keys
# What it wrote itself is looked at while it is there.
wait
sleep 2
END

boot
inside useradd -m -s /bin/bash dave
inside useradd -M -s /bin/bash ray
login ann
key d dave | install -D -m 600 /dev/stdin "$tree/home/dave/.ssh/authorized_keys"
inside chown -R dave: /home/dave/.ssh
inside systemctl daemon-reload
check "the service starts" inside systemctl start grantwatchd.service
((failed == 0)) || finish


# Who may what, but for the account fused.
access() {
  # shellcheck disable=SC2016  # the shell inside expands it
  inside bash -c '
    cd /srv && find modes owned listed able /etc/polkit-1/rules.d /home/dave/.ssh \
      -printf "%p %m %u %g\n" | sort
    getfacl -R -p /srv/listed; getcap -r /srv/able | sort
    for file in people agent; do cat /etc/sudoers.d/$file; done
    cat /home/dave/.ssh/authorized_keys /etc/polkit-1/rules.d/*
    grep -E "^(root|dave|ray|games|sudo):" /etc/passwd /etc/group /etc/gshadow /etc/shadow
  ' 2>/dev/null
}
access_is() { # FILE
  access >"$work/access" || true
  diff "$1" "$work/access" >"$work/difference" || { head -n 40 "$work/difference"; return 1; }
}
access >"$work/before" || true

inside systemd-run --quiet --wait --collect --unit=agent /opt/claude/claude /opt/claude/task
access >"$work/given" || true

list=(inside grantctl -o json list)
grants=(
  file-mode:file:/srv/modes file-owner:file:/srv/owned file-acl:file:/srv/listed
  file-capability:file:/srv/able group-member:group:games account:account:ray
  sudo-rule:sudoers:/etc/sudoers.d/agent ssh-key:account:dave
  polkit-rule:polkit:/etc/polkit-1/rules.d/60-agent.rules
  account:account:fused sudo-rule:sudoers:/etc/sudoers.d/fused ssh-key:account:fused
  account:account:guest ssh-key:account:guest
)
# What the agent gave, and what was put back.
given='map(select(.standing == false and .approval == null))'
back='map(select(.standing == false and .approval != null))'
one() { # WHICH KIND:OBJECT FILTER: there is one such grant, and the FILTER holds of it
  echo "$1 | map(select(.kind == \"${2%%:*}\" and .object == \"${2#*:}\")) |
    length == 1 and (.[0] | $3)"
}
each() { # WHICH FILTER: the same of each of them
  local grant
  for grant in "${grants[@]}"; do json "$(one "$1" "$grant" "$2")" "${list[@]}" || return 1; done
}
for grant in "${grants[@]}"; do
  check "the agent's grant: $grant" until_true 15 json \
    "$(one "$given" "$grant" '.provenance == "agent-executed" and .expiresAt != null')" "${list[@]}"
done
((failed == 0)) || finish
check "there is no other grant" json "$given | length == ${#grants[@]}" "${list[@]}"
# Who has the group by the agent's doing, and still has it after its end.
inside systemd-run --quiet --unit=holder -p User=dave sleep infinity
# Who is logged in by the agent's doing, in a session of logind's.
guests() { inside loginctl list-sessions --no-legend | awk '$3 == "guest" {print $1}'; }
check "the agent's guest logs in with the agent's key" sits_down guest
check "and has a session" test -n "$(guests)"


# Ends of the mechanisms' own.
end_of_rule() { inside grep -E '^fused .*NOTAFTER=[0-9]{14}Z' /etc/sudoers.d/fused; }
end_of_key() { inside grep -E '^expiry-time="[0-9]{14}Z" ' /home/fused/.ssh/authorized_keys; }
end_of_account() { [[ $(inside getent shadow fused | cut -d: -f8) -gt 1 ]]; }
check "NOTAFTER is in the sudo rule" until_true 10 end_of_rule
check "expiry-time is in the key's line" until_true 10 end_of_key
check "the account has a day of expiry" until_true 10 end_of_account
tells() {
  is "$("${list[@]}" | jq -r "$given | .[] | select(.nativeExpiry != null) | .kind + \" \" + .object" |
    sort)" "$(printf '%s\n' 'account account:fused' 'ssh-key account:fused' \
    'sudo-rule sudoers:/etc/sudoers.d/fused')"
}
check "the grants tell of it, and no other one has an end" until_true 10 tells
check "visudo has no complaint" inside visudo -cq


taken_back() { # WHICH ENDED-BY
  each "$1" ".state == \"ended\" and .endedBy == \"$2\" and .outcome == \"clean\" and
    .revokeError == null"
}
shut() {
  is "$(inside getent passwd fused | cut -d: -f7)" /usr/sbin/nologin &&
    is "$(inside passwd -S fused | cut -d' ' -f2)" L &&
    is "$(inside getent shadow fused | cut -d: -f8)" 1 &&
    ! inside grep -E '^fused ' /etc/sudoers.d/fused &&
    ! inside grep ed25519 /home/fused/.ssh/authorized_keys
}
check "all of them end at their deadline, cleanly" until_true $((ttl + 30)) taken_back "$given" expired
check "who may what is as before the agent came" access_is "$work/before"
check "the agent's account is shut, without rule and key" shut
check "who still used the membership was ended" is \
  "$(inside systemctl is-active holder.service || true)" inactive
check "the guest's session was ended" is "$(guests)" ""
guests_grants=$("${list[@]}" | jq -r "$given | map(select(.object == \"account:guest\") | .id) | join(\"|\")")
check "and the record says so" inside \
  grep -rqE "\"type\":\"residue.terminated\",.*\"($guests_grants)\"" /var/lib/grantwatch/ledger
check "what was taken out of files is in the quarantine" \
  inside bash -c 'compgen -G "/var/lib/grantwatch/quarantine/g-*/60-agent.rules"'


# Put back by an admin, and taken back again.
mapfile -t ids < <("${list[@]}" | jq -r "$given | .[].id")
check "grantctl restore puts all of them back" \
  types ann "grantctl restore --for 1h --reason 'they were right' ${ids[*]}"
check "each is approved" until_true 10 \
  each "$back" '.state == "approved" and .approval.by == "ann"'
check "who may what is as the agent gave it" until_true 5 access_is "$work/given"
opened() {
  is "$(inside getent passwd fused | cut -d: -f7)" /bin/bash &&
    is "$(inside passwd -S fused | cut -d' ' -f2)" P &&
    end_of_rule && end_of_key && end_of_account
}
check "the account is open again, with ends after the approval's" until_true 10 opened
mapfile -t ids < <("${list[@]}" | jq -r "$back | .[].id")
check "grantctl revoke takes all of them back" \
  types ann "grantctl revoke --reason 'no more' ${ids[*]}"
check "cleanly" until_true 20 taken_back "$back" revoked
check "who may what is again as before" access_is "$work/before"
check "and the agent's account is shut" shut


check "nothing was denied to the service" is "$(inside journalctl -u grantwatchd -o cat --no-pager |
  grep -iE 'not permitted|permission denied|read-only file system' || true)" ""
check "the service was never restarted by systemd" is \
  "$(inside systemctl show -p NRestarts --value grantwatchd.service)" 0
check "no revocation failed, and nothing drifted" json \
  '.grants."revoke-failed" == 0 and .grants.drifted == 0' inside grantctl -o json status
check "the record is unbroken" json '.ok == true' inside grantctl -o json verify

finish
