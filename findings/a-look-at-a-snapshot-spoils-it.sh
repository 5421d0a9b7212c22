#!/usr/bin/env bash
# etcd 3.7.3 (3.6.16 too): `etcdutl hashkv FILE` prints the hash of a snapshot's keys, and writes to the file while it does so. The SHA-256 that ends
# the snapshot no longer fits the file, so `etcdutl snapshot restore` refuses it from then on, as if it were damaged. hashkv ends with 0 and gives no
# warning, and `etcdutl snapshot status`, which only reads, still shows the same hash of its own. So ask a copy of a backup for this hash.
# Seen: "expected sha256 [...], got [...]" for the snapshot after hashkv, while a copy that was made before is restored.
# Wants: go on the PATH. Ends with 0 if it is still so, with 1 if not.
set -euo pipefail
version=v3.7.3
folder=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2> /dev/null || true; wait 2> /dev/null || true; rm -rf "$folder"' EXIT
export GOFLAGS=-mod=mod GOWORK=off CGO_ENABLED=0
build() { # MODULE PROGRAM
  mkdir "$folder/$2-module"
  cd "$folder/$2-module"
  printf 'module finding\n' > go.mod
  go get "$1@$version" 2> /dev/null
  go build -o "$folder/$2" "$1"
  cd "$folder"
}
build go.etcd.io/etcd/server/v3 etcd
build go.etcd.io/etcd/etcdctl/v3 etcdctl
build go.etcd.io/etcd/etcdutl/v3 etcdutl
ctl() { timeout 10 "$folder/etcdctl" --endpoints http://127.0.0.1:21379 "$@"; }
restores() { timeout 60 "$folder/etcdutl" snapshot restore "$1" --data-dir "$folder/restored-$1" 2>&1; }

"$folder/etcd" --data-dir "$folder/data" --listen-client-urls http://127.0.0.1:21379 --advertise-client-urls http://127.0.0.1:21379 \
  --listen-peer-urls http://127.0.0.1:21380 --initial-advertise-peer-urls http://127.0.0.1:21380 \
  --initial-cluster default=http://127.0.0.1:21380 > "$folder/log" 2>&1 &
pid=$!
for _ in $(seq 1 100); do
  if ctl endpoint health > /dev/null 2>&1; then break; fi
  sleep 0.2
done
for value in 1 2 3 4 5; do ctl put key "$value" > /dev/null; done
ctl snapshot save "$folder/snapshot" > /dev/null 2>&1
cp snapshot copy

before=$("$folder/etcdutl" snapshot status snapshot --write-out json)
cmp -s snapshot copy || { echo 'snapshot status wrote to it' && exit 1; }
hash=$("$folder/etcdutl" hashkv snapshot --write-out json)
after=$("$folder/etcdutl" snapshot status snapshot --write-out json)
echo "etcdutl ${version#v} hashkv of a snapshot: $hash"
echo "etcdutl ${version#v} snapshot status, before and after: $before, $after"
if cmp -s snapshot copy; then echo 'the file is as it was' && exit 1; fi
[ "$before" = "$after" ] || { echo 'snapshot status tells them apart' && exit 1; }
said=$(restores snapshot) && { echo 'it is restored all the same' && exit 1; }
echo "etcdutl ${version#v} snapshot restore: $(echo "$said" | grep -o 'expected sha256 .*' | head -n 1)"
echo "$said" | grep -q 'expected sha256'
restores copy > /dev/null
echo 'as found: the snapshot that was only looked at is refused, and its earlier copy is restored'
