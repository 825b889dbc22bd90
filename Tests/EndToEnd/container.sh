#!/bin/bash
# A Debian 12 booted in systemd-nspawn with Grantwatch installed, and checks on it. To be sourced by
# a script that is run as root:
#
#   build=…; . Tests/EndToEnd/container.sh        (more_packages=,NAME,…: in the tree too)
#   prepare_tree; (write into $tree) ; boot; check NAME COMMAND...; finish
#
# The Debian tree is made once and kept in $GRANTWATCH_TEST_CACHE (/var/cache/grantwatch-test);
# nothing else is left behind. The container has a PID namespace of its own, so there are no process
# events in it: who did something is found through /proc.
# shellcheck disable=SC2154  # build comes from the script
# shellcheck disable=SC2317,SC2329  # functions are called by name

script=${0##*/}
cache=${GRANTWATCH_TEST_CACHE:-/var/cache/grantwatch-test}
packages=systemd,systemd-sysv,dbus,libpam-systemd,passwd,sudo,procps,curl,libsystemd0
packages+=,adduser,openssh-server,openssh-client,opendoas,pkexec,polkitd,cron,at,postgresql
packages+=,dbus-user-session,tmux,screen,acl,libcap2-bin${more_packages:-}
tree_options=(--dpkgopt=path-exclude=/usr/share/{doc,man,locale}/'*')

[[ $(id -u) -eq 0 ]] || { echo "$script: must run as root" >&2; exit 2; }
[[ -x $build/grantwatchd ]] || { echo "$script: $build/grantwatchd: not built" >&2; exit 2; }

# The host's own Debian sources, so that the tree comes from where this host's packages come from.
debian_sources() {
  # shellcheck disable=SC2016  # apt-get fills these in
  apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
    'Created-By: Packages' 'Origin: Debian' | grep -E ' bookworm(-updates|-security)? main' | sort -u
}

make_tree() {
  local tree=$1 sources
  sources=$(debian_sources || true)
  if [[ $sources != *" bookworm main"* ]]; then
    apt-get update -q
    sources=$(debian_sources)
  fi
  mmdebstrap --quiet --mode=root --variant=minbase --include="$packages" "${tree_options[@]}" \
    bookworm "$tree.new" - <<<"$sources"
  mv "$tree.new" "$tree"
}

work=
tree=
machine=grantwatch-$$
container=
leader=
sessions=()
clean() {
  local pid
  for pid in "${sessions[@]}"; do kill "$pid" 2>/dev/null || true; done
  if [[ -n $container ]] && kill -0 "$container" 2>/dev/null; then
    local n=0
    [[ -z $leader ]] || kill -s RTMIN+4 "$leader" 2>/dev/null || true
    while kill -0 "$container" 2>/dev/null && ((n++ < 100)); do sleep 0.1; done
    kill -KILL "$container" 2>/dev/null || true
    wait "$container" 2>/dev/null || true
  fi
  rmdir "/run/systemd/nspawn/propagate/$machine" 2>/dev/null || true
  [[ -z $work ]] || rm -rf "$work"
}
trap clean EXIT
trap 'exit 1' INT TERM HUP

# Makes $tree, a copy of the cached Debian with Grantwatch installed.
prepare_tree() {
  copy_tree
  make -s install DESTDIR="$tree" BUILD="$build"
}
# The same without Grantwatch.
copy_tree() {
  local base
  install -d -m 700 "$cache"
  exec 9>"$cache/lock"
  flock 9
  base=$cache/tree-$(sha256sum <<<"2 $packages ${tree_options[*]}" | head -c 12)
  if [[ ! -d $base ]]; then
    rm -rf "$base.new"
    make_tree "$base"
  fi
  work=$(mktemp -d "$cache/run.XXXXXX")
  tree=$work/tree
  cp -a --reflink=auto "$base" "$tree"
  exec 9>&-
}

# Has the service in $tree watch /srv and take back what the configuration from standard input says,
# and opens its sandbox and its backstop's for that.
enforce() {
  local unit
  { printf '[Watchdog]\nMode=enforce\n\n[Files]\nWatch=\nWatch=/srv\n\n' && cat; } \
    >"$tree/etc/grantwatch/grantwatch.conf"
  for unit in grantwatchd grantwatch-backstop; do
    install -D -m 644 "$tree/usr/lib/grantwatch/enforce.conf" \
      "$tree/etc/systemd/system/$unit.service.d/enforce.conf"
  done
}

. Tests/EndToEnd/checks.sh
inside() { timeout 90 nsenter -t "$leader" -a -- "$@"; }
finish() {
  if ((failed > 0)); then
    { inside journalctl -u grantwatchd -u grantwatch-notify -o short-precise --no-pager -n 120 ||
      tail -n 40 "$work/console"; } 2>&1 | sed 's/^/# /'
  fi
  echo "$passed passed, $failed failed"
  exit $((failed > 0))
}

# The container's init is the child whose own pid inside is 1; nspawn has passing children before it.
find_leader() {
  local child
  for child in $(pgrep -P "$container"); do
    grep -qE '^NSpid:.*[[:space:]]1$' "/proc/$child/status" 2>/dev/null || continue
    leader=$child
    return
  done
  return 1
}
booted() { find_leader && [[ $(inside systemctl is-system-running) =~ ^(running|degraded)$ ]]; }

# Starts a command that outlives this call; its pid is in $container then.
start_container() {
  setsid "$@" </dev/null >"$work/console" 2>&1 &
  container=$!
}

# Boots $tree, and makes Grantwatch's accounts there.
boot() {
  boot_tree
  check "systemd-sysusers makes group and user" inside systemd-sysusers
}
boot_tree() {
  start_container systemd-nspawn -q -D "$tree" -M "$machine" --register=no --keep-unit -b \
    --private-network --capability=all --link-journal=no --console=passive \
    --system-call-filter="fanotify_init fanotify_mark open_by_handle_at name_to_handle_at"
  until_true 30 find_leader
  check "Debian boots in systemd-nspawn" until_true 120 booted
  ((failed == 0)) || finish
}

# People: each logs in by ssh, on a terminal in which lines are typed.
login() { # USER: makes the account first
  inside useradd -m -s /bin/bash "$1"
  [[ -e $tree/root/key ]] || inside ssh-keygen -q -t ed25519 -N '' -f /root/key
  inside install -d -o "$1" -g "$1" -m 700 "/home/$1/.ssh"
  inside install -o "$1" -g "$1" -m 600 /root/key.pub "/home/$1/.ssh/authorized_keys"
  sits_down "$1"
}
sits_down() { # USER: logs in with the key that is there
  mkfifo "$work/$1.keys"
  # Opened both ways, so that it has no end before the session has one.
  nsenter -t "$leader" -a -- ssh -tt -i /root/key -o BatchMode=yes \
    -o StrictHostKeyChecking=accept-new -o LogLevel=ERROR "$1@127.0.0.1" \
    <>"$work/$1.keys" >"$work/$1.screen" 2>&1 &
  sessions+=($!)
  types "$1" true
}
types() { # USER LINE: and waits for its end; true if it exits with 0
  local mark=1$RANDOM$RANDOM
  # shellcheck disable=SC2016  # the shell that it is typed into expands it
  printf '%s; echo "end of $((%s)):" $?\n' "$2" "$mark" >"$work/$1.keys"
  until_true 30 grep -q "end of $mark:" "$work/$1.screen" || { tail -n 5 "$work/$1.screen"; return 1; }
  is "$(grep -o "end of $mark: [0-9]*" "$work/$1.screen" | tail -n 1 | cut -d' ' -f4)" 0
}
