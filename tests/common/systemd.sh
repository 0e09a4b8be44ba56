#!/bin/sh
# Boots a real systemd: process 1 of namespaces of its own, on an overlay of this machine whose writes go to memory. Only
# the network is the machine's. It ends when this process is killed, or by its own `systemctl poweroff`.
#
#   systemd.sh CGROUP BASE USER UID TOOLS
#
# CGROUP: a cgroup to be made for it; BASE: a directory that both see; USER: to be made; TOOLS: a directory that it sees as
# BASE/tools
set -e

if [ "$1" != inside ]; then
	mkdir "$1"
	echo $$ >"$1/cgroup.procs"
	shift
	exec unshare --mount --pid --fork --kill-child --cgroup --uts --ipc "$0" inside "$@"
fi

base=$2 user=$3 id=$4 tools=$5
root=$base/systemd/root
mount --make-rprivate /
mkdir -p "$base/systemd"
mount -t tmpfs tmpfs "$base/systemd"
mkdir -p "$base/systemd/upper" "$base/systemd/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$base/systemd/upper,workdir=$base/systemd/work" "$root"

mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm"
for device in null zero full random urandom tty; do
	touch "$root/dev/$device"
	mount --bind "/dev/$device" "$root/dev/$device"
done
mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ln -s fd/0 "$root/dev/stdin"
ln -s fd/1 "$root/dev/stdout"
ln -s fd/2 "$root/dev/stderr"
mkdir -p "$root$base"
mount --bind "$base" "$root$base"
if [ -d "$tools" ]; then
	mkdir -p "$base/tools"
	mount --bind "$tools" "$root$base/tools"
fi

echo "$user:x:$id:$id::$base/home:/bin/sh" >>"$root/etc/passwd"
echo "$user:x:$id:" >>"$root/etc/group"
echo "$user:*:19000::::::" >>"$root/etc/shadow"
mkdir -p "$root/var/lib/systemd/linger"
touch "$root/var/lib/systemd/linger/$user"
rm -f "$root/run/nologin" "$root/etc/nologin"
# Else what its user has in /dev/shm goes with the last session: tests may lie there.
mkdir -p "$root/etc/systemd/logind.conf.d"
printf '[Login]\nRemoveIPC=no\n' >"$root/etc/systemd/logind.conf.d/shipit.conf"
rm -rf "$root/var/log/journal"
mkdir -p "$root/var/log/journal"
echo shipit-test >"$root/etc/hostname"

# What reaches for the machine below, or serves it.
units=$root/etc/systemd/system
mkdir -p "$units"
for unit in systemd-tmpfiles-setup systemd-tmpfiles-setup-dev systemd-tmpfiles-clean systemd-timesyncd systemd-pstore \
	systemd-udevd systemd-udev-trigger systemd-sysctl systemd-modules-load systemd-resolved systemd-networkd \
	systemd-firstboot systemd-update-utmp systemd-binfmt systemd-random-seed ssh; do
	ln -sf /dev/null "$units/$unit.service"
done
cat >"$units/shipit-test.target" <<END
[Unit]
Requires=basic.target
Wants=dbus.socket dbus.service systemd-logind.service
After=basic.target
AllowIsolate=yes
END
if [ -d "$base/units" ]; then cp -R "$base/units/." "$units/"; fi
if [ -f "$base/sudoers" ]; then
	cp "$base/sudoers" "$root/etc/sudoers.d/shipit-test"
	chmod 440 "$root/etc/sudoers.d/shipit-test"
fi

cd "$root"
mkdir -p old
pivot_root . old
umount -l /old
exec env -i container=shipit-test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	/lib/systemd/systemd --system --unit=shipit-test.target --log-target=journal --show-status=no </dev/null >/run/boot.log 2>&1
