#!/bin/bash
# Boots Debian 12 with Debian's own kernel 6.1, the oldest that Grantwatch supports, in qemu: the
# whole of it with real process events, fanotify and audit records, and a reboot while a deadline runs.
#
# usage: kernel.sh [BUILD]     (root; BUILD holds the release binaries, .build/release by default)
#
# The machine is emulated, for not every host that has a /dev/kvm can use it; with kvm in
# $GRANTWATCH_TEST_ACCELERATOR it is not. It has no network. See container.sh for what is
# kept and what is not. What is checked inside is in kernel-inside.sh.
# shellcheck disable=SC2154  # work and tree come from container.sh
set -euo pipefail

cd "$(dirname "$0")/../.."
build=${1:-.build/release}
# shellcheck disable=SC2034  # for container.sh
more_packages=,linux-image-cloud-amd64,initramfs-tools,zstd,kmod,e2fsprogs,auditd,jq
. Tests/EndToEnd/container.sh

prepare_tree
install -m 755 Tests/EndToEnd/kernel-inside.sh "$tree/usr/local/sbin/kernel-inside"
install -m 644 Tests/EndToEnd/checks.sh "$tree/usr/local/sbin/checks.sh"
# The rules are loaded by the checks, as an administrator does it, and nothing is asked at login.
rm -f "$tree/etc/audit/rules.d/"*
cat >"$tree/etc/systemd/system/checks.service" <<'END'
[Unit]
Description=Checks
After=multi-user.target

[Service]
Type=oneshot
ExecStart=/usr/local/sbin/kernel-inside
StandardOutput=file:/dev/ttyS1
StandardError=file:/dev/ttyS1
TimeoutStartSec=15min

[Install]
WantedBy=graphical.target multi-user.target
END
ln -sf /etc/systemd/system/checks.service \
  "$tree/etc/systemd/system/multi-user.target.wants/checks.service"
for unit in ssh.service postgresql.service cron.service atd.service auditd.service \
  systemd-timesyncd.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
  e2scrub_all.timer e2scrub_reap.service; do
  ln -sf /dev/null "$tree/etc/systemd/system/$unit"
done
echo '/dev/vda / ext4 defaults 0 1' >"$tree/etc/fstab"
cp "$tree"/boot/vmlinuz-* "$work/kernel"
cp "$tree"/boot/initrd.img-* "$work/initrd"
rm -rf "${tree:?}/boot"
truncate -s 4G "$work/disk"
mke2fs -q -t ext4 -E lazy_itable_init=1,lazy_journal_init=1 -d "$tree" "$work/disk"
rm -rf "$tree"

start_container qemu-system-x86_64 -accel "${GRANTWATCH_TEST_ACCELERATOR:-tcg,thread=multi}" -smp 2 -m 1024 -nodefaults -nographic \
  -kernel "$work/kernel" -initrd "$work/initrd" \
  -append "root=/dev/vda rw console=ttyS0 loglevel=3 panic=-1" \
  -drive "file=$work/disk,if=virtio,format=raw,cache=unsafe" \
  -chardev "file,id=console,path=$work/boot" -serial chardev:console \
  -chardev "file,id=checks,path=$work/checks" -serial chardev:checks
# The machine turns itself off when all is done.
shown=0
show() {
  local lines
  lines=$(tr -d '\r' <"$work/checks" 2>/dev/null | wc -l)
  ((lines == shown)) || tr -d '\r' <"$work/checks" | sed -n "$((shown + 1)),${lines}p"
  shown=$lines
}
end=$((SECONDS + 900))
while kill -0 "$container" 2>/dev/null && ((SECONDS < end)); do
  sleep 0.5
  show
done
show
if ! tr -d '\r' <"$work/checks" | grep -q '^end of all: 0 failed$'; then
  tail -n 60 "$work/boot" "$work/console" | sed 's/^/# /'
  echo "kernel.sh: checks failed, or did not come to their end" >&2
  exit 1
fi
