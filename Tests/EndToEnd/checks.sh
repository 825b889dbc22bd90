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
