#!/bin/bash
# Builds the Debian package of what is built, has lintian look at it, and lets apt install, upgrade,
# remove and purge it in a Debian 12 that is booted in systemd-nspawn.
#
# usage: package.sh [BUILD]     (root; BUILD holds the release binaries, .build/release by default)
#
# See container.sh for what is kept and what is not.
# shellcheck disable=SC2317,SC2329  # check and until_true call functions by name
# shellcheck disable=SC2016  # what runs inside expands it
set -euo pipefail

cd "$(dirname "$0")/../.."
build=$(realpath "${1:-.build/release}")
. Tests/EndToEnd/container.sh
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

copy_tree
# Manual pages are to be unpacked there too.
rm -f "$tree"/etc/dpkg/dpkg.cfg.d/*


# The package, made of a copy of what it takes.
mkdir "$work/source"
cp -r debian etc man systemd Makefile README.md CHANGELOG.md LICENSE "$work/source"
build_package() {
  # A small one would take longer than all the rest.
  (cd "$work/source" && BUILD=$build DPKG_DEB_COMPRESSOR_TYPE=gzip DPKG_DEB_COMPRESSOR_LEVEL=1 \
    dpkg-buildpackage -b -us -uc) >"$work/said" 2>&1
}
check "dpkg-buildpackage builds the package" build_package
((failed == 0)) || finish
rm "$work/said"
package=$(echo "$work"/grantwatch_*_*.deb)
check "lintian finds neither errors nor warnings" lintian --allow-root --fail-on error,warning \
  "$(echo "$work"/grantwatch_*.changes)"
mkdir "$work/package" "$work/expected"
dpkg-deb -R "$package" "$work/package"
make -s install DESTDIR="$work/expected" BUILD="$build"
# As the package has them: units below /lib, pages compressed.
expected() {
  (cd "$work/expected" && find . -type f -printf '/%P\n') |
    sed -E 's|^/usr/lib/systemd/system/|/lib/systemd/system/|; s|^(/usr/share/man/.*)|\1.gz|'
}
packed() { (cd "$work/package" && find etc lib usr -type f -printf '/%p\n'); }
lacks_nothing() { is "$(comm -23 <(expected | sort) <(packed | sort))" ""; }
check "it has all that make install installs" lacks_nothing
check "and documents besides, nothing else" is "$(comm -13 <(expected | sort) <(packed | sort) |
  grep -v '^/usr/share/doc/grantwatch/')" ""
check "every file in /etc is the administrator's" is \
  "$(sort "$work/package/DEBIAN/conffiles")" "$(packed | grep ^/etc/ | sort)"
# The next version, with another file for /etc.
sed -i 's/^Version: .*/&+next/' "$work/package/DEBIAN/control"
echo '# The next version.' >>"$work/package/etc/grantwatch/audit.rules"
dpkg-deb --root-owner-group -Zgzip -z1 -b "$work/package" "$work/next.deb" >/dev/null
cp "$package" "$tree/root/first.deb"
cp "$work/next.deb" "$tree/root/next.deb"


boot_tree
apt() { # COMMAND PACKAGE
  inside env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$1" "$2" >"$work/apt" 2>&1 ||
    { cat "$work/apt"; return 1; }
}
active() { inside systemctl is-active "$@" || true; }
enabled() { inside systemctl is-enabled "$@" 2>&1 || true; }
main_pid() { inside systemctl show -p MainPID --value "$1"; }
units=(
  grantwatchd.service grantwatch-backstop.timer grantwatch-notify.service grantwatch-postgresql.service
)
list=(inside grantctl -o json list)

check "apt installs it, with nothing from the network" apt install /root/first.deb
check "its accounts are there" inside getent passwd grantwatch-notify grantwatch-postgresql
check "and the group of readers" inside getent group grantwatch
check "watchdog and backstop are enabled, the others are not" is \
  "$(enabled "${units[@]}" | xargs)" "enabled enabled disabled disabled"
check "and they run, alone" is "$(active "${units[@]}" | xargs)" "active active inactive inactive"
check "the watchdog is ready, and alerts only" json '.mode == "alert" and .version == "0.1.0"' \
  inside grantctl -o json status
check "no unit failed" is "$(inside systemctl --failed --plain --no-legend)" ""
check "every file is as packed" is "$(inside dpkg --verify grantwatch)" ""
has_catalog() {
  inside journalctl --list-catalog 2>/dev/null |
    grep -qi "$(sed -n 's/^-- \([0-9a-f]*\)$/\1/p' systemd/grantwatch.catalog | head -n 1)"
}
check "the journal's catalog explains its messages" has_catalog
check "polkit knows its action" inside pkaction --action-id io.grantwatch.approve
check "systemd has nothing to say about its units" inside systemd-analyze verify --man=no "${units[@]}"


# In use: configured as its README says, the notifier enabled by the administrator.
install -D -m 644 /dev/stdin "$tree/etc/grantwatch/grantwatch.conf.d/local.conf" <<'END'
[Watchdog]
Mode=enforce

[Approval]
Approvers=root
Authenticate=no

[Rule agents]
Provenance=agent-executed
TTL=1h
OnDeadline=revoke
END
echo '# Ours.' >>"$tree/etc/grantwatch/grantwatch.conf"
for unit in grantwatchd grantwatch-backstop; do
  install -D -m 644 "$tree/usr/lib/grantwatch/enforce.conf" \
    "$tree/etc/systemd/system/$unit.service.d/enforce.conf"
done
install -D -m 755 "$tree/bin/bash" "$tree/opt/claude/claude"
install -d -m 750 "$tree/srv/data"
(cd "$tree/srv/data" && umask 027 && seq -f 'file-%g' 5000 | xargs touch)
inside useradd -m dave
inside systemctl daemon-reload
check "it takes the configuration" inside systemctl restart grantwatchd.service
inside systemctl enable --quiet --now grantwatch-notify.service
# A shell becomes its last command, and would be no agent any more.
inside systemd-run --quiet --wait --collect --unit=agent /opt/claude/claude -c \
  "echo 'dave ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/agent; sleep 2; true"
grant='map(select(.object == "sudoers:/etc/sudoers.d/agent"))'
check "an agent's sudo rule is a grant with a deadline" until_true 10 json \
  "$grant | length == 1 and .[0].provenance == \"agent-executed\" and .[0].expiresAt != null" "${list[@]}"
((failed == 0)) || finish
known() { "${list[@]}" | jq -c "$grant | map({id, grantedAt, state})"; }
known=$(known)
deadline() { "${list[@]}" | jq -r "$grant | .[0].expiresAt | sub(\"[.].*\"; \"Z\") | fromdate"; }
deadline=$(deadline)


# The upgrade, while access is given again and again.
daemon=$(main_pid grantwatchd.service)
notifier=$(main_pid grantwatch-notify.service)
inside systemd-run --quiet --collect --unit=changes /bin/bash -c \
  'n=0; until [[ -e /root/enough ]]; do chmod o+r "/srv/data/file-$((++n))"; sleep 0.1; done
  echo $n >/root/changes'
given() { is "$(stat -c %a "$tree/srv/data/file-$1")" 644; } # NUMBER
check "access is given" until_true 20 given 5
check "apt upgrades it" apt install /root/next.deb
check "it is the next version" is \
  "$(inside dpkg-query -W -f '${Version}' grantwatch)" "$(dpkg-deb -f "$work/next.deb" Version)"
restarted() { # UNIT PID
  is "$(active "$1")" active && [[ $(main_pid "$1") != "$2" ]]
}
check "the watchdog was restarted" restarted grantwatchd.service "$daemon"
check "so was the notifier" restarted grantwatch-notify.service "$notifier"
check "what is enabled is as before" is "$(enabled "${units[@]}" | xargs)" \
  "enabled enabled enabled disabled"
check "the backstop's timer goes on" is "$(active grantwatch-backstop.timer)" active
check "the configuration is the administrator's" grep -q '^# Ours' "$tree/etc/grantwatch/grantwatch.conf"
check "what he did not change is the new version's" \
  grep -q '^# The next' "$tree/etc/grantwatch/audit.rules"
check "the grant of before is the same" is "$(known)" "$known"
kept_deadline() { local now; now=$(deadline); ((now - deadline <= 1 && deadline - now <= 1)); }
check "and so is its deadline" kept_deadline
touch "$tree/root/enough"
check "all that time access was given" until_true 20 test -s "$tree/root/changes"
changes=$(cat "$tree/root/changes" || echo none)
items='map(select(.kind == "file-mode" and (.object | startswith("file:/srv/data"))) | .items) | add'
check "each of the changes is known, whenever it came, and counted once" until_true 15 \
  json "$items == $changes" "${list[@]}"
check "the record is unbroken" json '.ok == true' inside grantctl -o json verify


# Removed, installed again, purged.
kept_record() {
  "$build/grantctl" -o json verify --state-directory "$tree/var/lib/grantwatch" | jq -e .ok
}
check "apt removes it" apt remove grantwatch
check "nothing of it runs" is "$(active "${units[@]}" | sort -u)" inactive
check "no unit is left failed" is "$(inside systemctl --failed --plain --no-legend)" ""
check "no program is left" is "$(find "$tree"/usr/lib/grantwatch "$tree"/usr/{bin,sbin} \
  "$tree/lib/systemd/system" -name 'grant*' 2>/dev/null)" ""
check "no socket is left" test ! -e "$tree/run/grantwatch"
check "the configuration stays" test -s "$tree/etc/grantwatch/grantwatch.conf"
check "the record stays, and verifies" kept_record
check "apt installs it again" apt install /root/next.deb
check "it runs, and what was enabled is" is "$(active "${units[@]}" | xargs) / $(enabled "${units[@]}" |
  xargs)" "active active active inactive / enabled enabled enabled disabled"
check "it goes on with its record" is "$(known)" "$known"
check "apt purges it" apt purge grantwatch
check "its files in /etc are gone, the administrator's stay" is \
  "$(cd "$tree/etc/grantwatch" && find . -type f)" ./grantwatch.conf.d/local.conf
check "no unit is enabled or masked any more" is "$(find "$tree/etc/systemd/system" \
  "$tree/var/lib/systemd" -name '*grantwatch*' ! -name '*.service.d')" ""
check "the record stays even now, and verifies" kept_record
check "apt says so" grep -q '/var/lib/grantwatch stays' "$work/apt"

finish
