#!/bin/bash
# Kills the daemon with SIGKILL again and again while the journal grows, and counts: each signal must
# stand in the ledger exactly once. Needs root and systemd-journal-remote:
#   Tests/EndToEnd/kills.sh BUILD [KILLS]
set -euo pipefail
build=$(realpath "${1:?usage: kills.sh BUILD [KILLS]}")
kills=${2:-100}
folder=$(mktemp -d /var/tmp/grantwatch-kills.XXXXXX)
daemon='' feeder=''
clean() {
  if [[ -n $daemon ]]; then kill -9 "$daemon" 2>/dev/null || true; fi
  if [[ -n $feeder ]]; then kill "$feeder" 2>/dev/null || true; fi
  wait 2>/dev/null || true
  rm -rf "$folder"
}
trap clean EXIT
mkdir "$folder"/{etc,state,run,journal,tree}
printf '[Files]\nWatch=\nWatch=%s\n[Journal]\nDirectory=%s\n' \
  "$folder/tree" "$folder/journal" >"$folder/etc/grantwatch.conf"

# About 200 lines of gpasswd a second, each with a number of its own.
feed() {
  local number=0 now
  while [[ ! -e $folder/enough ]]; do
    for _ in 1 2 3 4; do
      number=$((number + 1))
      now=$(date +%s%6N)
      printf '%s\n' "__REALTIME_TIMESTAMP=$now" "__MONOTONIC_TIMESTAMP=$((number * 1000))" \
        _BOOT_ID=0123456789abcdef0123456789abcdef _TRANSPORT=syslog _UID=0 "_PID=$((number + 100))" \
        SYSLOG_IDENTIFIER=gpasswd _EXE=/usr/bin/gpasswd _COMM=gpasswd \
        "MESSAGE=user u$number added by root to group g" ''
    done
    sleep 0.02
  done
  echo "$number" >"$folder/count"
}
feed > >(exec /lib/systemd/systemd-journal-remote -o "$folder/journal/kills.journal" - 2>/dev/null) &
feeder=$!

start() {
  "$build/grantwatchd" --config "$folder/etc/grantwatch.conf" --state-directory "$folder/state" \
    --runtime-directory "$folder/run" 2>>"$folder/log" &
  daemon=$!
}
for ((kill = 1; kill <= kills; kill++)); do
  start
  sleep "0.$((RANDOM % 6 + 1))$((RANDOM % 10))"
  kill -9 "$daemon"
  wait "$daemon" 2>/dev/null || true
  daemon=''
done
touch "$folder/enough"
wait "$feeder" || true
feeder=''
lines=$(cat "$folder/count")
start
# All lines are in when the last one is.
for ((try = 0; try < 600; try++)); do
  if grep -q "\"message\":\"user u$lines added" "$folder"/state/ledger/*.jsonl; then break; fi
  sleep 0.1
done
kill "$daemon"
wait "$daemon" || true
daemon=''
grep -h '"type":"signal"' "$folder"/state/ledger/*.jsonl |
  grep -o '"message":"user u[0-9]*' | sort | uniq -c | awk '{print $1}' >"$folder/counts"
doubled=$(awk '$1 > 1' "$folder/counts" | wc -l)
seen=$(wc -l <"$folder/counts")
first=$(grep -h '"type":"signal"' "$folder"/state/ledger/*.jsonl | grep -o 'user u[0-9]*' |
  sed -n 1p | grep -o '[0-9]*$')
missing=$((lines - first + 1 - seen))
echo "$kills kills, $((lines - first + 1)) lines since the first start: $doubled doubled, $missing missing"
"$build/grantctl" verify --state-directory "$folder/state"
[[ $doubled -eq 0 && $missing -eq 0 ]]
