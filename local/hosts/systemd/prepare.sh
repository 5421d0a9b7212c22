#!/bin/bash
# prepare.sh ROOT: makes a fresh Debian into the root filesystem that hosts share.
set -euo pipefail
root=$1

chroot "$root" groupadd --system etcd
chroot "$root" useradd --system --gid etcd --home-dir /var/lib/etcd --no-create-home --shell /usr/sbin/nologin etcd
chroot "$root" install -d /etc/etcd
chroot "$root" install -d -o etcd -g etcd -m 0700 /var/lib/etcd

# Bind mounts need something to lie on.
touch "$root"/usr/local/bin/{etcd,etcdctl,etcdutl}
chmod 0755 "$root"/usr/local/bin/{etcd,etcdctl,etcdutl}

# Each host gets an identity of its own when it boots, and has no way to a name server.
printf '127.0.0.1 localhost\n' > "$root/etc/hosts"
: > "$root/etc/machine-id"
rm -f "$root/etc/resolv.conf" "$root/etc/hostname" "$root/var/lib/dbus/machine-id"

# Nobody logs in, and nothing is to run while a host is watched but what was started on it.
for unit in getty.target console-getty.service systemd-logind.service systemd-sysctl.service \
  systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-journal-flush.service \
  systemd-journald-audit.socket systemd-tmpfiles-clean.timer apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
  e2scrub_all.timer e2scrub_reap.service fstrim.timer; do
  ln -sfn /dev/null "$root/etc/systemd/system/$unit"
done

# The log of a host ends with it, and misses nothing when much is written at once.
mkdir -p "$root/etc/systemd/journald.conf.d"
printf '[Journal]\nStorage=volatile\nRateLimitIntervalSec=0\n' > "$root/etc/systemd/journald.conf.d/host.conf"

rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/var/log/*.log

# Else every host would bring its /etc and /var up to date with /usr first.
touch "$root/etc/.updated" "$root/var/.updated"
