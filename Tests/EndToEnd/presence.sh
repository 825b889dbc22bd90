#!/bin/bash
# Approval with polkit's word: a real system bus, a real polkitd, real passwords, typed into a real
# pkttyagent. All of it in a mount namespace with a /run, accounts and rules of its own, as root:
#
#   Tests/EndToEnd/presence.sh [FOLDER-OF-PROGRAMS]
set -euo pipefail

build=$(realpath "${1:-.build/release}")
top=$(realpath "$(dirname "$0")/../..")
[[ $(id -u) -eq 0 ]] || { echo "${0##*/}: must run as root" >&2; exit 2; }
[[ -x $build/grantwatchd ]] || { echo "${0##*/}: $build/grantwatchd: not built" >&2; exit 2; }
if [[ ${GRANTWATCH_PRESENCE:-} != inside ]]; then
  exec env GRANTWATCH_PRESENCE=inside unshare --mount --propagation private -- "$0" "$@"
fi

work=$(mktemp -d /tmp/grantwatch-presence.XXXXXX)
chmod 755 "$work"
started=()
clean() {
  local pid orders
  for orders in "$work"/*-orders; do
    # Opened both ways, so that nobody need be there to read.
    [[ ! -p $orders ]] || echo exit 1<>"$orders"
  done
  for pid in "${started[@]}"; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  umount -R /run /etc/passwd /etc/shadow /etc/group /etc/sudoers.d /etc/polkit-1/rules.d \
    /usr/share/polkit-1/actions 2>/dev/null || true
  rm -rf "$work"
}
trap clean EXIT
trap 'exit 1' INT TERM HUP

. "$top/Tests/EndToEnd/checks.sh"

# The host as polkit and the daemon see it.
install -d "$work"/{mine,out,etc/agents.d,root/etc,root/srv,run} && install -d -m 700 "$work/state"
chmod 777 "$work/out"
hash=$(openssl passwd -6 correct-horse)
cp /etc/{passwd,shadow,group} "$work/mine/"
cp -a /etc/sudoers.d /etc/polkit-1/rules.d /usr/share/polkit-1/actions "$work/mine/"
cp "$top/systemd/io.grantwatch.policy" "$work/mine/actions/"
# Nobody but alice answers for auth_admin.
sed -i 's/^sudo:\([^:]*:[^:]*\):.*/sudo:\1:gwalice/' "$work/mine/group"
echo 'gwalice:x:4801:4801::/tmp:/bin/bash' >>"$work/mine/passwd"
echo 'gwempty:x:4802:4802::/tmp:/bin/bash' >>"$work/mine/passwd"
echo "gwalice:$hash:20000::::::" >>"$work/mine/shadow"
echo 'gwempty::20000::::::' >>"$work/mine/shadow"
printf 'gwalice:x:4801:\ngwempty:x:4802:\n' >>"$work/mine/group"
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/dbus
for file in passwd shadow group sudoers.d; do mount --bind "$work/mine/$file" "/etc/$file"; done
mount --bind "$work/mine/rules.d" /etc/polkit-1/rules.d
mount --bind "$work/mine/actions" /usr/share/polkit-1/actions
dbus-daemon --system --nofork --nopidfile &
started+=($!)
until_true 20 test -S /run/dbus/system_bus_socket
/usr/lib/polkit-1/polkitd --no-debug >/dev/null 2>&1 &
started+=($!)
until_true 20 busctl --system status org.freedesktop.PolicyKit1

# A tree of its own, an agent, and the daemon.
for file in passwd shadow group; do cp "/etc/$file" "$work/root/etc/"; done
: >"$work/root/srv/a" && chmod 600 "$work/root/srv/a"
cp /bin/bash "$work/claude"
cat >"$work/etc/agents.d/agent.conf" <<END
[Agent]
Name=agent
[Match]
Executable=$work/claude
END
cat >"$work/etc/grantwatch.conf" <<END
[Files]
Watch=
Watch=/srv
[Approval]
Authenticate=polkit
Approvers=gwalice gwempty root
[Rule agents]
Provenance=agent-executed
TTL=15min
END
# Accounts that logged in before the daemon began: orphans with a clean environment and a login uid.
# Each runs the scripts that it is told.
for user in root gwalice gwempty; do
  uid=$(id -u "$user")
  mkfifo "$work/$user-orders"
  env -i PATH="$PATH" setsid -f bash -c "
    echo $uid >/proc/self/loginuid; cd /; exec 3<>$work/$user-orders
    while IFS= read -r order <&3 && [[ \$order != exit ]]; do
      setpriv --reuid=$uid --regid=$uid --init-groups bash \$order >$work/said 2>&1 3<&- <&-
      touch $work/out/done
    done" </dev/null >/dev/null 2>&1
done
env -i PATH="$PATH" "$build/grantwatchd" --config "$work/etc/grantwatch.conf" --root "$work/root" \
  --state-directory "$work/state" --runtime-directory "$work/run" 2>"$work/log" &
started+=($!)
ctl=("$build/grantctl" --socket "$work/run/control.sock")
until_true 30 "${ctl[@]}" status

as() { # USER FILE
  rm -f "$work/out/done" "$work/said"
  echo "$2" >"$work/$1-orders"
  until_true 60 test -e "$work/out/done"
}
approval() { # GRANT
  echo "$build/grantctl --socket $work/run/control.sock approve $1 --for 1h --reason test"
}
approve_plain() { # USER GRANT
  approval "$2" >"$work/out/plain"
  as "$1" "$work/out/plain"
}
# The shell becomes grantctl, so that the agent which it registered is grantctl's own.
approve_typing() { # USER GRANT PASSWORD
  cat >"$work/out/asked" <<END
mkfifo $work/out/ready
pkttyagent --process \$\$ --notify-fd 3 3>$work/out/ready &
cat $work/out/ready
exec $(approval "$2")
END
  cat >"$work/out/typing" <<END
rm -f $work/out/keys $work/out/ready $work/out/screen; mkfifo $work/out/keys
script -qefc 'bash $work/out/asked' $work/out/screen <$work/out/keys &
exec 5>$work/out/keys
for n in \$(seq 200); do
  grep -q -i password: $work/out/screen 2>/dev/null && break
  sleep 0.1
done
echo $3 >&5
wait \$!
END
  as "$1" "$work/out/typing"
}
said() { grep -q -- "$1" "$work/said"; }
grant() { "${ctl[@]}" list -o json | grep -o '"id":"g-[^"]*"' | head -n 1 | cut -d '"' -f 4; }
state() { [[ $("${ctl[@]}" show "$id" -o json) == *"\"state\":\"$1\""* ]]; }

# It lives until it was looked at: what is gone at once is known by its parents alone.
env -i PATH="$PATH" setsid -f "$work/claude" -c \
  "echo 4711 >/proc/self/loginuid; perl -e 'chmod 0644, shift; sleep 2' $work/root/srv/a; true"
until_true 20 test -n "$(until_true 20 grant; grant)"
id=$(grant)

check "the daemon finds all that polkit takes" bash -c "! ${ctl[*]} status | grep -i polkit"
approve_plain root "$id"
check "root proves nothing" said "polkit asks root nothing"
approve_plain gwempty "$id"
check "an empty password proves nothing" said "gwempty has an empty password"
approve_plain gwalice "$id"
check "without an authentication agent nobody can be asked" said "no authentication agent"
# An agent in alice's session, with an authentication agent of its own, and through sudo.
approve_as_agent() { # WORDS GRANT
  cat >"$work/out/by-agent" <<END
pkttyagent --process \$\$ --fallback 2>/dev/null & sleep 0.5
$1 $(approval "$2")
kill \$!
END
  echo "$work/claude -c 'bash $work/out/by-agent; true'" >"$work/out/agent"
  as gwalice "$work/out/agent"
}
approve_as_agent "" "$id"
check "an agent that would answer polkit itself is not asked" said "an agent is behind the caller"
echo 'gwalice ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/gwalice
approve_as_agent "sudo -n" "$id"
check "nor is one that becomes root" said "an agent is behind the caller"
echo 'gwalice ALL=(ALL) NOPASSWD: /bin/true' >/etc/sudoers.d/gwalice
approve_typing gwalice "$id" correct-horse
check "NOPASSWD proves nothing" said "NOPASSWD"
rm /etc/sudoers.d/gwalice
approve_typing gwalice "$id" wrong-horse
check "a wrong password is refused" said "refused"
check "and the grant is as it was" state active
cat >/etc/polkit-1/rules.d/00-gw.rules <<'END'
polkit.addRule(function (action) {
  if (action.id == "io.grantwatch.approve") return polkit.Result.YES;
});
END
asks_nobody() { approve_plain gwalice "$id"; said "polkit would ask nobody"; }
check "a rule that says yes proves nothing" until_true 20 asks_nobody
rm /etc/polkit-1/rules.d/00-gw.rules
asks_again() { approve_plain gwalice "$id"; said "no authentication agent"; }
check "without the rule it asks again" until_true 20 asks_again
approve_typing gwalice "$id" correct-horse
check "the right password approves" state approved
check "and polkit is the proof" bash -c "${ctl[*]} show $id -o json | grep -q '\"proof\":\"polkit\"'"

echo "1..$((passed + failed))"
((failed == 0))
