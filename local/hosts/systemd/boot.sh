#!/bin/bash
# boot.sh FOLDER ROOT_FILESYSTEM NAME ADDRESS/LENGTH MAC LINK BRIDGE NETWORK BIN_DIR
# Runs as the first process of a host, in namespaces of its own, and becomes its systemd. NETWORK is the namespace of the bridge.
# Prints its process ID, as the machine counts, once nothing of the machine's filesystem can be reached any more.
set -euo pipefail
folder=$1 root_filesystem=$2 name=$3 address=$4 mac=$5 link=$6 bridge=$7 network=$8 bin_dir=$9
exec 3>&1 1>&2

# /proc is the machine's still.
read -r pid _ < /proc/self/stat

ip link set lo up
ip link add eth0 address "$mac" type veth peer name "$link" netns "$network"
nsenter --net="$network" ip link set "$link" master "$bridge" up
ip address add "$address" dev eth0
ip link set eth0 up
echo "$name" > /proc/sys/kernel/hostname

# Relative, for a comma or colon in a path means something to overlay.
cd "$folder"
mkdir -p lower upper work root
mount --bind "$root_filesystem" lower
mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work root || {
  echo "There can be no overlay in $folder: let TMPDIR name a folder on ext4 or xfs, and see whether the kernel has overlay."
  exit 1
}
cd root
echo "$name" > etc/hostname
for program in etcd etcdctl etcdutl; do
  if [ -e "$bin_dir/$program" ]; then
    mount --bind "$bin_dir/$program" "usr/local/bin/$program"
    mount -o remount,bind,ro "usr/local/bin/$program"
  else
    rm -f "usr/local/bin/$program"
  fi
done

mount -t proc proc proc
# What has no namespace is the machine's: systemd would raise limits there.
for path in proc/sys proc/sysrq-trigger; do
  # Not every kernel has the second.
  [ -e "$path" ] || continue
  mount --bind "$path" "$path"
  mount -o remount,bind,ro "$path"
done
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm
for node in null zero full random urandom tty; do
  touch "dev/$node"
  mount --bind "/dev/$node" "dev/$node"
done
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr

# Both at the same place: the machine's root is on top until it is taken away.
pivot_root . .
umount -l .
cd /

echo "$pid" >&3
exec 3>&-
exec env -i container=etcd-remediation PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin \
  /usr/lib/systemd/systemd --system
