#!/bin/bash
# Who is behind a change, on every road that a command can take: an agent and a human each make the
# same change directly, through sudo and su, from a session of its own, by tmux, screen, at, cron,
# systemd-run, ssh to the host itself, an engine of containers, and by a script that another runs.
# Prints for each what Grantwatch says and on what evidence, and counts.
#
# usage: launches.sh [BUILD]     (root; BUILD holds the release binaries, .build/release by default)
#
# The daemon runs here, with the process events of this host's kernel, and takes a Debian 12 that is
# booted in systemd-nspawn for its root. It takes two to three minutes: cron runs once a minute.
# See container.sh for what is kept and what is not.
# shellcheck disable=SC2317,SC2329  # check and until_true call functions by name
# shellcheck disable=SC2016  # the shells of those who type expand it
set -euo pipefail

cd "$(dirname "$0")/../.."
build=$(realpath "${1:-.build/release}")
. Tests/EndToEnd/container.sh

prepare_tree
echo 127.0.0.1 localhost >"$tree/etc/hosts"
install -m 440 /dev/stdin "$tree/etc/sudoers.d/alice" <<<'alice ALL=(ALL) NOPASSWD: ALL'
cat >"$tree/etc/polkit-1/rules.d/50-alice.rules" <<'END'
polkit.addRule(function(action, subject) {
  if (subject.user == "alice" && action.id == "org.freedesktop.policykit.exec")
    return polkit.Result.YES;
});
END
install -D -m 755 "$tree/bin/bash" "$tree/opt/claude/claude"
mkdir -p "$tree"/{srv/p,lines}
# A file for each road, there before anybody looks. Alice is the first account that is made.
(cd "$tree/srv/p" && umask 077 && seq -f 'f%g' 60 | xargs touch && chown 1000 ./*)
# An engine of containers, as far as it matters here: a client that asks, and a service that runs
# what it is asked for. Where docker.io is installed here the real one follows below.
install -D -m 755 "$tree/bin/bash" "$tree/usr/local/bin/containerd-shim-runc-v2"
install -m 755 /dev/stdin "$tree/usr/bin/docker" <<'END'
#!/bin/bash
shift 2
printf '%q ' "$@" >/run/engine.part
mv /run/engine.part /run/engine
END
cat >"$tree/etc/systemd/system/engine.service" <<'END'
[Service]
ExecStart=/usr/local/bin/containerd-shim-runc-v2 -c 'while sleep 0.2; do \
  [ ! -e /run/engine ] || { mv /run/engine /run/engine.now; sh /run/engine.now; }; done'
END

# Docker as Debian has it, which runs here: an orphan as well, with a folder of its own for all that it
# keeps, and without a network. Its only image is busybox; the container has the tree's /srv.
docker=
docker_pid=
start_docker() {
  local folder=$work/docker program
  mkdir -p "$folder/image/bin" "$tree/gw" "$tree/opt/docker"
  cp /bin/busybox "$folder/image/bin/"
  for program in chmod sleep; do ln -s busybox "$folder/image/bin/$program"; done
  cp /usr/bin/docker "$tree/opt/docker/docker"
  env -i PATH="$PATH" setsid -f dockerd --data-root "$folder/data" --exec-root "$folder/exec" \
    --pidfile "$folder/pid" --host "unix://$tree/gw/docker.sock" --bridge=none --iptables=false \
    --ip-forward=false --storage-driver=vfs </dev/null >"$folder/log" 2>&1
  local ask=(/usr/bin/docker --host "unix://$tree/gw/docker.sock")
  until_true 30 "${ask[@]}" version || return
  docker_pid=$(cat "$folder/pid")
  tar -C "$folder/image" -c . | "${ask[@]}" import - box >/dev/null
  "${ask[@]}" run --detach --network none --volume "$tree/srv:/srv" --name box box sleep 3600 \
    >/dev/null
}
end_docker() {
  [[ -n $docker_pid ]] || return 0
  /usr/bin/docker --host "unix://$tree/gw/docker.sock" rm --force box >/dev/null 2>&1 || true
  kill "$docker_pid" 2>/dev/null || true
  local n=0
  while kill -0 "$docker_pid" 2>/dev/null && ((n++ < 150)); do sleep 0.1; done
}
if [[ -x /usr/sbin/dockerd && -x /usr/bin/docker && -x /bin/busybox ]]; then
  trap 'end_docker; clean' EXIT
  if start_docker; then
    docker="sudo /opt/docker/docker --host unix:///gw/docker.sock"
  else
    echo "SKIPPED - containers of a real engine: dockerd does not start here:"
    tail -n 5 "$work/docker/log" | sed 's/^/# /'
  fi
else
  echo "SKIPPED - containers of a real engine: apt-get install docker.io busybox-static to have them"
fi

work_etc=$work/etc
mkdir -p "$work_etc/agents.d" "$work/journal" "$tree/gw"
install -d -m 700 "$work/state"
cat >"$work_etc/agents.d/claude-code.conf" <<'END'
[Agent]
Name=claude-code

[Match]
Executable=/opt/claude/claude
END
cat >"$work_etc/grantwatch.conf" <<END
[Files]
Watch=
Watch=/srv

[Journal]
Directory=$work/journal

[Rule agents]
Provenance=agent-executed agent-advised
TTL=1h

[Rule hint]
Provenance=unknown human
Hint=*
MinConfidence=weak
TTL=1h
END

# What starts the container was there before the daemon, an orphan: nobody's child.
env -i PATH="$PATH" setsid -f bash -c '
  until [[ -e $1/words ]]; do [[ -d $1 ]] || exit; sleep 0.1; done
  mapfile -t words <"$1/words"
  setsid "${words[@]}" </dev/null >"$1/console" 2>&1 &
  echo $! >"$1/pid.new" && mv "$1/pid.new" "$1/pid"
  wait' starter "$work" </dev/null >/dev/null 2>&1
start_container() {
  printf '%s\n' "$@" >"$work/words.new"
  mv "$work/words.new" "$work/words"
  until_true 10 test -s "$work/pid"
  container=$(cat "$work/pid")
}
daemon=
end_launches() {
  [[ -z $daemon ]] || kill "$daemon" 2>/dev/null || true
  end_docker
  clean
}
trap end_launches EXIT
env -i PATH="$PATH" "$build/grantwatchd" --config "$work_etc/grantwatch.conf" --root "$tree" \
  --state-directory "$work/state" --runtime-directory "$tree/gw" </dev/null 2>"$work/daemon.log" &
daemon=$!
ctl() { timeout 20 "$build/grantctl" --socket "$tree/gw/control.sock" "$@"; }
check "the daemon answers" until_true 20 ctl status
((failed == 0)) || { cat "$work/daemon.log"; exit 1; }
if ! ctl -o json status | jq -e '.sources[] | select(.name == "process-events") | .state == "ok"' \
  >/dev/null; then
  echo "skipped - there are no process events in a PID namespace"
  exit 0
fi
boot
inside systemctl daemon-reload
inside systemctl start engine.service
check "alice logs in by ssh" login alice
check "alice has the first uid" is "$(stat -c %u "$tree/home/alice")" 1000
((failed == 0)) || exit 1
inside runuser -u alice -- ssh-keygen -q -t ed25519 -N '' -f /home/alice/.ssh/id_ed25519
inside runuser -u alice -- sh -c 'cat ~/.ssh/id_ed25519.pub >>~/.ssh/authorized_keys'


# The agent runs in alice's session all the time, as agents do, each command in a shell of its own.
# It starts nothing else.
inside runuser -u alice -- mkfifo /home/alice/orders
cat >"$tree/lines/agent" <<'END'
exec 3<>~/orders
while read -r _ <&3; do
  bash -c "$(</lines/order)"
  : >~/done
done
END
types alice '/opt/claude/claude /lines/agent </dev/null >agent.log 2>&1 & true' || true
orders() { # COMMAND: the agent runs it
  rm -f "$tree/home/alice/done"
  printf '%s\n' "$1" >"$tree/lines/order"
  echo >"$tree/home/alice/orders"
  until_true 30 test -e "$tree/home/alice/done"
}

# A change by a human or an agent: LINE, in which $F is a file of its own. What is meant to be seen
# of it is a pattern on "PROVENANCE CONFIDENCE AGENT HINT".
rows=()
declare -A files
row() { # WHO NAME EXPECTED
  rows+=("$1|$2|$3")
  files[$1 $2]=/srv/p/f${#rows[@]}
}
file() { echo "${files[$1 $2]}"; } # WHO NAME
line() { # WHO NAME EXPECTED LINE: typed in alice's session, by her or by an agent that she started
  row "$1" "$2" "$3"
  local path text
  path=/lines/f${#rows[@]}
  text=$(printf 'F=%s\n%s' "$(file "$1" "$2")" "$4")
  echo "$text" >"$tree$path"
  case $1 in
    human) types alice ". $path" ;;
    agent) orders "$text" ;;
  esac >"$work/tried" 2>&1 || sed "s/^/# $1, $2: /" "$work/tried"
}

own='human (strong|weak) - -'
# The doors of those who are asked to run something: nobody knows who asked. Where the daemon was too
# late for a program of the agent's, that may have been the one.
nobody='unknown weak - (-|claude-code)'
types alice 'tmux -L own new-session -d -s own; screen -dmS own' || true
printf ':\n' | install -m 755 -o 1000 /dev/stdin "$tree/home/alice/job"
row human cron "$nobody"
printf '* * * * * chmod 666 %s\n* * * * * sh /home/alice/job\n' "$(file human cron)" \
  >"$tree/lines/crontab"
types alice 'crontab /lines/crontab' >/dev/null
line human "direct" "$own" 'chmod 666 $F'
line human "bash -c" "$own" 'bash -c "sh -c \"chmod 666 $F; :\"; :"'
line human "sudo" "$own" 'sudo chmod 666 $F'
line human "sudo, clean environment" "$own" 'sudo env -i /bin/chmod 666 $F'
line human "su -" "$own" 'sudo su - -c "chmod 666 $F"'
line human "nohup" "$own" 'nohup chmod 666 $F >/dev/null 2>&1'
line human "setsid" "$own" 'setsid -f chmod 666 $F'
line human "double fork" "$own" '(setsid env -i sh -c "sleep 0.4; chmod 666 $F" &)'
line human "tmux" "$own" 'tmux -L mine new-session -d "chmod 666 $F"'
line human "screen" "$own" 'screen -dm chmod 666 $F'
line human "pkexec" "$own|unknown weak - -" 'pkexec chmod 666 $F'
line human "at" "$nobody" 'echo "chmod 666 $F" | at now 2>/dev/null'
line human "systemd-run --user" "$nobody|human weak - -" 'systemd-run --user --quiet chmod 666 $F'
line human "systemd-run" "$nobody" 'sudo systemd-run --quiet chmod 666 $F'
line human "ssh to the host itself" "$own" \
  'ssh -o StrictHostKeyChecking=accept-new -o LogLevel=ERROR 127.0.0.1 chmod 666 $F'
line human "docker exec, a stand-in" "$nobody" 'sudo docker exec box chmod 666 $F'
if [[ -n $docker ]]; then
  line human "docker exec" "$nobody" "$docker exec box chmod 666 \$F"
  line human "docker run -v" "$nobody" \
    "$docker run --rm --network none -v $tree/srv:/srv box chmod 666 \$F"
fi

# Scripts: an agent writes them, a human and a job of cron that was there before run them. Without
# the agent's hook nothing is known of what was written; with it, the text is advice.
row agent script-by-human "$own"
orders "echo chmod 666 $(file agent script-by-human) >~/fix"
types alice 'sh ./fix' || true
row agent script-by-cron "$nobody"
orders "echo chmod 666 $(file agent script-by-cron) >~/job"
row agent script-by-human-hook 'agent-advised strong claude-code -'
jq -n --arg file "$(file agent script-by-human-hook)" '{session_id: "s", cwd: "/home/alice",
  hook_event_name: "PreToolUse", tool_name: "Bash",
  tool_input: {command: "cat >~/hooked <<EOF\nchmod 666 \($file)\nEOF"}}' >"$tree/lines/hook"
orders 'grantctl --socket /gw/control.sock hook claude-code </lines/hook'
types alice "echo chmod 666 $(file agent script-by-human-hook) >hooked; sh ./hooked" || true

changed() { [[ $(stat -c %a "$tree$1") == 666 ]]; } # FILE
check "cron has run alice's job" until_true 75 changed "$(file human cron)"
check "and the script that the agent had written" until_true 10 changed "$(file agent script-by-cron)"


proven='agent-executed (certain|strong) claude-code -'
# No proof, but the agent is named.
hinted='(unknown|human) weak - claude-code'
row agent crontab "$hinted"
printf '* * * * * chmod 666 %s\n' "$(file agent crontab)" >"$tree/lines/crontab"
orders 'crontab /lines/crontab'
row agent /etc/cron.d "$hinted"
printf '* * * * * root chmod 666 %s\n' "$(file agent /etc/cron.d)" >"$tree/lines/cron.d"
orders 'sudo cp /lines/cron.d /etc/cron.d/job'
line agent "direct" "$proven" 'chmod 666 $F'
line agent "bash -c" "$proven" 'bash -c "sh -c \"chmod 666 $F; :\"; :"'
line agent "renamed" "$proven" 'cp /opt/claude/claude ~/helper; (exec -a sh ~/helper -c "chmod 666 $F; :")'
line agent "sudo" "$proven" 'sudo chmod 666 $F'
line agent "sudo, clean environment" "$proven" 'sudo env -i /bin/chmod 666 $F'
line agent "sudo -i" "$proven" 'sudo -i chmod 666 $F'
line agent "su -" "$proven" 'sudo su - -c "chmod 666 $F"'
line agent "nohup" "$proven" 'nohup chmod 666 $F >/dev/null 2>&1 & true'
line agent "setsid" "$proven" 'setsid -f chmod 666 $F'
line agent "double fork" "$proven" '(setsid env -i sh -c "sleep 0.4; chmod 666 $F" &)'
line agent "tmux, a server of its own" "$proven" 'tmux -L agent new-session -d "chmod 666 $F"'
line agent "tmux, keys sent to the human's" "$hinted" 'tmux -L own send-keys -t own "chmod 666 $F" Enter'
line agent "screen of its own" "$proven" 'screen -dm chmod 666 $F'
line agent "screen, keys sent to the human's" "$hinted" 'screen -S own -p 0 -X stuff "chmod 666 $F^M"'
line agent "pkexec" "$proven|$hinted" 'pkexec chmod 666 $F'
line agent "at" "$hinted" 'echo "chmod 666 $F" | at now 2>/dev/null'
line agent "systemd-run --user" "$hinted" 'systemd-run --user --quiet chmod 666 $F'
line agent "systemd-run --user --unit" "$proven|$hinted" \
  'systemd-run --user --quiet --unit=agent-job chmod 666 $F'
line agent "systemd-run --user --scope" "$proven" 'systemd-run --user --quiet --scope chmod 666 $F'
line agent "systemd-run" "$hinted" 'sudo systemd-run --quiet chmod 666 $F'
line agent "systemd-run --uid" "$hinted" 'sudo systemd-run --quiet --uid=alice chmod 666 $F'
line agent "systemd-run --scope" "$proven" 'sudo systemd-run --quiet --scope chmod 666 $F'
line agent "a unit of its own" "$proven|$hinted" 'printf "[Service]\nExecStart=chmod 666 $F\n" |
  sudo tee /etc/systemd/system/fix.service >/dev/null; sudo systemctl start fix.service'
line agent "ssh to the host itself" "$hinted" \
  'ssh -o StrictHostKeyChecking=accept-new -o LogLevel=ERROR 127.0.0.1 chmod 666 $F'
line agent "docker exec, a stand-in" "$hinted" 'sudo docker exec box chmod 666 $F'
if [[ -n $docker ]]; then
  line agent "docker exec" "$hinted" "$docker exec box chmod 666 \$F"
  line agent "docker run -v" "$hinted" \
    "$docker run --rm --network none -v $tree/srv:/srv box chmod 666 \$F"
fi
check "cron has run the agent's crontab" until_true 75 changed "$(file agent crontab)"
check "and what it put into /etc/cron.d" until_true 10 changed "$(file agent /etc/cron.d)"


list() { ctl -o json list; }
all_seen() { json "[.[] | select(.standing == false) | .object] | unique | length >= ${#rows[@]}" list; }
check "all ${#rows[@]} changes are grants" until_true 15 all_seen
list >"$work/list"
humans=0 wronged=0 doubted=0 agents=0 proved=0 named=0 scripts=0 scripts_named=0 unexpected=0
printf '\n%-6s %-32s %-15s %-8s %-12s %s\n' BY ROAD PROVENANCE SAID AGENT EVIDENCE
for entry in "${rows[@]}"; do
  IFS='|' read -r who name expected <<<"$entry"
  # The newest: a job of cron may have run twice.
  grant=$(jq -c --arg object "file:$(file "$who" "$name")" \
    '[.[] | select(.object == $object)][0] // empty' "$work/list")
  if [[ -z $grant ]]; then
    said='none none - -'
    why='no grant was seen'
  else
    said=$(jq -r '"\(.provenance) \(.confidence) \(.agent.name // "-") \(.hints[0] // "-")"' <<<"$grant")
    why=$(ctl -o json explain "$(jq -r .id <<<"$grant")" | jq -r '[.because[] |
      select(test("^(rule|due|no rule|audit:|advice .* at) ?") | not)] | last // "-" | ltrimstr("process-events: ")')
  fi
  read -r provenance confidence agent hint <<<"$said"
  [[ $agent != - || $hint == - ]] || agent="$hint?"
  as_meant=
  [[ $said =~ ^($expected)$ ]] || { as_meant=' (not as meant)'; unexpected=$((unexpected + 1)); }
  printf '%-6s %-32s %-15s %-8s %-12s %s\n' "$who" "$name" "$provenance" "$confidence" "$agent" \
    "${why:0:110}$as_meant"
  case $who,$name in
    human,*)
      humans=$((humans + 1))
      [[ $provenance != agent-* || $confidence == weak ]] || wronged=$((wronged + 1))
      [[ $agent == - ]] || doubted=$((doubted + 1))
      ;;
    agent,script-*)
      scripts=$((scripts + 1))
      [[ $agent == - ]] || scripts_named=$((scripts_named + 1))
      ;;
    agent,*)
      agents=$((agents + 1))
      [[ $provenance != agent-* || $confidence == weak ]] || proved=$((proved + 1))
      [[ $agent == - ]] || named=$((named + 1))
      ;;
  esac
done
cat <<END

$humans changes by a human: $wronged called an agent's at confidence strong or better, $doubted with a hint
$agents changes by an agent: $named named, $proved of them proven, $((named - proved)) by a hint
$scripts scripts of an agent that another ran: $scripts_named named

END
check "no human's change is called an agent's" is "$wronged" 0
check "at least 19 of 20 of the agent's are named" test $((named * 20)) -ge $((agents * 19))
# On a busy host the daemon may be too late to see what a program of a millisecond was.
check "the roads are judged as meant, but for two at the most" test "$unexpected" -le 2
check "the rule for hints gives each of them a deadline" json '[.[] | select((.hints | length) > 0)] |
  length > 0 and all(.rule == "hint" and .expiresAt != null)' cat "$work/list"
if ((failed > 0)); then tail -n 20 "$work/daemon.log" | sed 's/^/# /'; fi
echo "$passed passed, $failed failed"
exit $((failed > 0))
