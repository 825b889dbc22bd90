#!/bin/bash
# Plays the case of March 2026 on this host, in a scratch root, against the real daemon: an agent
# gives an answer and a human types it; an agent types it itself. Both are seen, timed and taken
# back; a human's own change and an approved one stay.
#
# usage: demo.sh [BUILD]     (root; BUILD holds the release binaries, .build/release by default)
#
# Exits 0 only if every expectation held. Leaves nothing behind.
# shellcheck disable=SC2317,SC2329  # expect and until_true call functions by name
set -euo pipefail

cd "$(dirname "$0")/../.."
build=$(realpath "${1:-.build/release}")
ttl=10

[[ $(id -u) -eq 0 ]] || { echo "demo.sh: must run as root" >&2; exit 2; }
[[ -x $build/grantwatchd ]] || { echo "demo.sh: $build/grantwatchd: not built" >&2; exit 2; }
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
umask 022

work=$(mktemp -d /tmp/grantwatch-demo.XXXXXX)
root=$work/root
socket=$work/run/control.sock
pids=()
clean() {
  local pid n=0
  exec 2>/dev/null
  for pid in "${pids[@]}"; do kill "$pid" || true; done
  for pid in "${pids[@]}"; do
    while kill -0 "$pid" && ((n++ < 50)); do sleep 0.1; done
    kill -KILL "$pid" || true
  done
  wait
  rm -rf "$work"
}
trap clean EXIT
trap 'exit 1' INT TERM HUP

failed=0
say() { printf '\n== %s\n' "$*"; }
expect() { # TEXT COMMAND...
  local text=$1
  shift
  if "$@" >/dev/null 2>&1; then
    echo "  held: $text"
  else
    echo "  NOT HELD: $text"
    failed=$((failed + 1))
  fi
}
until_true() { # SECONDS COMMAND...
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < end)) || return 1
    sleep 0.1
  done
}
give_up() {
  echo "demo.sh: $*" >&2
  tail -n 20 "$work"/*.log >&2 || true
  exit 1
}
ctl() { timeout 20 "$build/grantctl" --socket "$socket" "$@"; }
grants() { ctl -o json list | jq "[.[] | select(.standing == false)] | $1"; }
holds() { grants "$1" | jq -e . >/dev/null; }

# The scratch root: accounts of its own, and a few folders.
mkdir -p "$root"/etc "$root"/srv/{data,other,shared,own} "$work"/{etc,run,state,opt/claude,inbox}
cat >"$root/etc/passwd" <<END
root:x:0:0:root:/root:/bin/bash
ann:x:1001:1001:Ann:/home/ann:/bin/bash
bob:x:1004:1004:Bob:/home/bob:/bin/bash
END
cat >"$root/etc/group" <<END
root:x:0:
ann:x:1001:
bob:x:1004:
docker:x:990:
END
sed 's/^\([^:]*\):.*/\1:*:20000:0:99999:7:::/' "$root/etc/passwd" >"$root/etc/shadow"
sed 's/^\([^:]*\):.*/\1:*::/' "$root/etc/group" >"$root/etc/gshadow"
chmod 640 "$root"/etc/{shadow,gshadow}
for folder in data other shared; do
  for n in {1..300}; do echo secret >"$root/srv/$folder/report-$n"; done
  chmod 640 "$root/srv/$folder"/*
  chmod 750 "$root/srv/$folder"
done
echo notes >"$root/srv/own/notes"
chmod 600 "$root/srv/own/notes"
chown -R 1001:1001 "$root/srv/own"

# The actors: three process trees of their own, children of pid 1, clean of this shell's
# environment, each with a login uid, there before the daemon is.
cat >"$work/actor.sh" <<'END'
echo "$2" >/proc/self/loginuid || exit 1
exec 3<>"$1.in"
echo $$ >"$1.new" && mv "$1.new" "$1.pid"
while read -r line <&3; do
  rm -f "$1.done"
  eval "$line" >"$1.out" 2>&1
  echo $? >"$1.new" && mv "$1.new" "$1.done"
done
END
actor() { # NAME SHELL LOGINUID
  mkfifo "$work/$1.in"
  (cd /; setsid env -i PATH="$PATH" "$2" --noprofile --norc \
    "$work/actor.sh" "$work/$1" "$3" </dev/null >"$work/$1.log" 2>&1 &)
  until_true 10 test -s "$work/$1.pid" || give_up "$1: cannot be put on the stage"
  pids+=("$(cat "$work/$1.pid")")
}
# Lets an actor run a line, and waits for its end; its output is in $work/NAME.out.
plays() { # NAME LINE
  rm -f "$work/$1.done"
  printf '%s\n' "$2" >"$work/$1.in"
  until_true 20 test -s "$work/$1.done" || give_up "$1: $2: does not end"
  return "$(cat "$work/$1.done")"
}
cp /bin/bash "$work/opt/claude/claude"
actor human /bin/bash 1001
actor agent "$work/opt/claude/claude" 1002
actor approver /bin/bash 1003

# The receiver, the daemon and the notifier.
(umask 077 && echo "whsec_$(head -c 32 /dev/urandom | base64 -w 0)" >"$work/secret")
python=$(command -v python3)
"$python" Tests/EndToEnd/webhook-receiver.py "$work/secret" "$work/inbox" \
  >"$work/receiver.log" 2>&1 &
pids+=($!)
until_true 10 test -s "$work/inbox/port" || give_up "the receiver does not start"

mkdir "$work"/etc/{agents.d,webhooks.d}
cp etc/grantwatch/agents.d/*.conf "$work/etc/agents.d/"
cat >"$work/etc/grantwatch.conf" <<END
[Watchdog]
Mode=enforce

[Files]
Watch=/srv

[Approval]
Approvers=root
Authenticate=code

[Rule agents]
Provenance=agent-executed agent-advised
TTL=${ttl}s
OnDeadline=revoke
END
cat >"$work/etc/webhooks.d/demo.conf" <<END
[Webhook]
URL=http://127.0.0.1:$(cat "$work/inbox/port")/hook
Format=cloudevents
Events=*
SecretFile=$work/secret
END
"$build/grantwatchd" --config "$work/etc/grantwatch.conf" --root "$root" \
  --state-directory "$work/state" --runtime-directory "$work/run" \
  </dev/null >"$work/daemon.log" 2>&1 &
pids+=($!)
until_true 20 ctl status || give_up "the daemon does not start"
env -i PATH="$PATH" "$build/grantwatch-notify" --config "$work/etc/grantwatch.conf" \
  --socket "$socket" </dev/null >"$work/notify.log" 2>&1 &
pids+=($!)

# The code that the alert about grant ID brought.
code_of() { # ID
  local file
  for file in "$work"/inbox/*.json; do
    jq -er --arg id "$1" 'select(.type == "io.grantwatch.grant.detected" and .data.grant.id == $id
      and .data.code != null) | .data.code' "$file" 2>/dev/null && return
  done
  return 1
}
# The id of the one grant on OBJECT.
id_of() { # OBJECT
  local id
  id=$(grants "[.[] | select(.object == \"$1\")] | if length == 1 then .[0].id else empty end" |
    jq -r .) && [[ -n $id ]] && echo "$id"
}
await_id() { until_true 10 id_of "$1" || give_up "$1: no grant was seen"; id_of "$1"; }

cat <<END
The case of March 2026, played with the real daemon and the real tools: an agent gave an answer, an
employee typed it, and for almost two hours people could read what they had no right to.

The stage is a folder with accounts of its own, taken for the root of a host. Three people or
programs act on it: a human (the login of ann), an agent (a program named claude) and an approver.
What an agent did or advised has ${ttl} s to be approved, then it is taken back.
END

say "1. an agent answers in a forum; its answer is recorded as advice"
ctl advice add --agent forum-helper --audience ann --url https://forum.example/t/4711 <<'END' | head -n 20
The import cannot read its files because the permissions are too tight. Run this once and
it will work:

```
sudo chmod -R 777 /srv/data
```
END

say "2. access is given: by the agent, on its advice, and by a human"
began=$SECONDS
plays agent "chmod -R 777 $root/srv/shared" || true
echo "  agent:    chmod -R 777 /srv/shared"
plays human "chmod -R a+rwx $root/srv/data" || true
echo "  human:    chmod -R a+rwx /srv/data            (the forum's answer, in other words)"
plays agent "chmod -R 777 $root/srv/other" || true
echo "  agent:    chmod -R 777 /srv/other"
plays agent "usermod --prefix $root -aG docker bob" || true
echo "  agent:    usermod -aG docker bob"
plays human "chmod g+r $root/srv/own/notes" || true
echo "  human:    chmod g+r /srv/own/notes            (their own affair)"

shared=$(await_id file:/srv/shared)
other=$(await_id file:/srv/other)
data=$(await_id file:/srv/data)
docker=$(await_id group:docker)
own=$(await_id file:/srv/own/notes)

say "3. one of these is needed: a human approves it, with the code that the alert brought"
until_true 8 code_of "$shared" || give_up "the alert with the code of $shared did not arrive"
code=$(code_of "$shared")
approve=("$build/grantctl" --socket "$socket" approve)
if plays approver "${approve[*]@Q} $shared --for 1h --reason 'the import needs it' --code $code"; then
  echo "  approver: grantctl approve $shared --for 1h --reason 'the import needs it' --code $code"
  sed 's/^/            /' "$work/approver.out"
  approved=yes
else
  sed 's/^/  approver: /' "$work/approver.out"
  approved=no
fi

say "4. the agent tries to approve its own grant, and has even got hold of the code"
refused=0 attempts=0
until_true 8 code_of "$other" || true
code=$(code_of "$other" || echo 000-000)
mine="${approve[*]@Q} $other --for 1h --reason mine --code $code"
for way in "" "setsid -w " "setsid -w env -i "; do
  attempts=$((attempts + 1))
  echo "  agent:    ${way}grantctl approve $other --for 1h --reason mine --code $code"
  plays agent "$way$mine" || refused=$((refused + 1))
  sed "s|$work|…|g; s/^/            /" "$work/agent.out"
done

say "5. what grantctl list shows now"
ctl list

say "6. when the deadlines have passed"
all_over() {
  holds "[.[] | select(.id == \"$other\" or .id == \"$data\" or .id == \"$docker\")] |
    length == 3 and all(.state == \"ended\")"
}
until_true $((ttl + 20)) all_over || true
echo "($((SECONDS - began)) s after the first act)"
ctl list

was_revoked() { holds "any(.[]; .id == \"$1\" and .state == \"ended\" and .endedBy == \"expired\")"; }
has() { holds "any(.[]; .id == \"$1\" and ($2))"; }
all_have() { [[ -z $(find "$1" -type f ! -perm "$2") ]]; }
mode_is() { [[ $(stat -c %a "$1") == "$2" ]]; }
no_member() { ! grep -q '^docker:.*[:,]bob\(,\|$\)' "$root/etc/group"; }
received() { grep -qs "\"io.grantwatch.$1\"" "$work"/inbox/*.json; }
nothing_refused() { ! compgen -G "$work/inbox/*.refused"; }
verified() { ctl -o json verify | jq -e .ok; }

say "7. what was taken back"
expect "/srv/data: a human followed an agent's advice" \
  has "$data" '.provenance == "agent-advised" and .advice != null and .subject == "everyone"'
expect "/srv/data: ended at its deadline" was_revoked "$data"
expect "/srv/data: the modes are what they were" all_have "$root/srv/data" 640
expect "/srv/data: the folder too" mode_is "$root/srv/data" 750
expect "/srv/other: the agent did it, certain" \
  has "$other" '.provenance == "agent-executed" and .confidence == "certain" and .items == 301'
expect "/srv/other: ended at its deadline" was_revoked "$other"
expect "/srv/other: the modes are what they were" all_have "$root/srv/other" 640
expect "/srv/other: the folder too" mode_is "$root/srv/other" 750
expect "docker: the agent did it" \
  has "$docker" '.provenance == "agent-executed" and .subject == "user:bob"'
expect "docker: ended at its deadline" was_revoked "$docker"
expect "docker: bob is no member" no_member

say "8. what was not, and why"
expect "/srv/own/notes: a human's own change has no deadline" has "$own" '.provenance == "human" and .state == "active"'
expect "/srv/own/notes: the mode stands" mode_is "$root/srv/own/notes" 640
expect "/srv/shared: approved in time, with the code from the alert" test "$approved" = yes
expect "/srv/shared: the approval is on record" \
  has "$shared" '.state == "approved" and .approval.proof == "code"'
expect "/srv/shared: the modes stand" all_have "$root/srv/shared" 777

say "9. the agent's own approval"
expect "refused each time: directly, in a session of its own, without its environment" \
  test "$refused" = "$attempts"
expect "the alert about it has left" until_true 10 received approval.refused

say "10. why: grantctl explain $data"
ctl explain "$data" | sed "s|$work|…|g"

say "11. the webhook about it, as it arrived (the main fields; its signature holds)"
for file in "$work"/inbox/*.json; do
  if jq -e --arg id "$data" \
    '.type == "io.grantwatch.grant.detected" and .data.grant.id == $id' "$file" >/dev/null; then
    jq --arg work "$work" '{type, source, time, subject, data: (.data | {text, code, approve,
      grant: (.grant | {kind, subject, object, items, right, provenance, confidence,
        agent: .agent.name, command: .actor.command, loginUser: .actor.loginUser, advice,
        grantedAt, expiresAt, rule, severity}), ledgerHead})} |
      walk(if type == "string" then split($work) | join("…") else . end)' "$file"
    break
  fi
done
for id in "$shared" "$other" "$data" "$docker"; do
  expect "an alert with a code has left for $id" code_of "$id"
done
expect "no delivery with a bad signature" nothing_refused

say "12. the record: grantctl verify"
ctl verify || true
expect "the record is unbroken" verified

seconds=$(grants "[.[] | select(.id == \"$data\" or .id == \"$other\" or .id == \"$docker\") |
  .activeSeconds] | max // 0")
expect "no exposure was longer than the deadline and a moment" \
  jq -en "$seconds > 0 and $seconds < $ttl + 2"

echo
if ((failed > 0)); then
  echo "$failed expectations did not hold; what the daemon said:"
  tail -n 40 "$work/daemon.log" "$work/notify.log"
fi
printf 'exposure: %.1f s (without Grantwatch: until somebody notices; in March 2026, almost 2 h)\n' \
  "$seconds"
exit $((failed > 0))
