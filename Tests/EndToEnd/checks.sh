#!/bin/bash
# Checks that are counted and told, in the form of the Test Anything Protocol. To be sourced; $work is
# a folder for what a command says. A file "said" there is shown with a check that failed.
# shellcheck disable=SC2154  # work comes from the script

passed=0 failed=0
check() { # NAME COMMAND...
  local name=$1
  shift
  if "$@" >"$work/check" 2>&1; then
    passed=$((passed + 1))
    echo "ok $((passed + failed)) - $name"
  else
    failed=$((failed + 1))
    echo "not ok $((passed + failed)) - $name"
    sed 's/^/# /' "$work/check"
    [[ ! -e $work/said ]] || sed 's/^/# said: /' "$work/said"
  fi
}
until_true() { # SECONDS COMMAND...
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < end)) || { "$@"; return; }
    sleep 0.1
  done
}
is() { # ACTUAL EXPECTED
  [[ $1 == "$2" ]] || { printf 'got:      %s\nexpected: %s\n' "$1" "$2"; return 1; }
}
# True if the JSON that the command prints satisfies the jq FILTER; shows it if not.
json() { # FILTER COMMAND...
  local filter=$1 out
  shift
  out=$("$@") || { printf '%s\n' "$out"; return 1; }
  jq -e "$filter" <<<"$out" >/dev/null ||
    { printf 'not true: %s\n%s\n' "$filter" "$(tail -c 4000 <<<"$out")"; return 1; }
}
