#!/usr/bin/env bash
# etcd 3.6.16 (3.5.35 and 3.7.3 too): of the revision that history was last compacted up to, HashKV gives what the member remembers from that
# compaction, with the compact revision before it. A restart forgets it: the same member gives another hash of the same data at the same revision,
# with another compact revision, and so it stays until the next compaction. So a member that was restarted and one that was not cannot be compared
# at this revision; HashKV of revision 0 is always computed anew.
# Seen: hash 2571534163 with compact revision 4 before the restart, 1319951954 with 6 after it, both of revision 6 and of the same five writes.
# Wants: go on the PATH. Ends with 0 if it is still so, with 1 if not.
set -euo pipefail
version=v3.6.16
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
ctl() { timeout 10 "$folder/etcdctl" --endpoints http://127.0.0.1:21379 "$@"; }
start() {
  "$folder/etcd" --data-dir "$folder/data" --listen-client-urls http://127.0.0.1:21379 --advertise-client-urls http://127.0.0.1:21379 \
    --listen-peer-urls http://127.0.0.1:21380 --initial-advertise-peer-urls http://127.0.0.1:21380 \
    --initial-cluster default=http://127.0.0.1:21380 > "$folder/log" 2>&1 &
  pid=$!
  for _ in $(seq 1 100); do
    if ctl endpoint health > /dev/null 2>&1; then return; fi
    sleep 0.2
  done
  echo 'etcd did not become healthy' && exit 1
}
hash_at_6() { ctl endpoint hashkv --rev 6 --write-out json | grep -o '"hash":[0-9]*,"compact_revision":[0-9]*'; }

start
for value in 1 2 3 4 5; do ctl put key "$value" > /dev/null; done
ctl compact --physical 4 > /dev/null
ctl compact --physical 6 > /dev/null
before=$(hash_at_6)
kill "$pid"
wait "$pid" 2> /dev/null || true
start
after=$(hash_at_6)
echo "etcd ${version#v}, HashKV of revision 6, before a restart: $before"
echo "etcd ${version#v}, HashKV of revision 6, after it:         $after"
if [ "$before" = "$after" ]; then echo 'the hash is the same' && exit 1; fi
echo "$before" | grep -q '"compact_revision":4$' || { echo 'it did not remember the compaction' && exit 1; }
echo "$after" | grep -q '"compact_revision":6$' || { echo 'it did not compute it anew' && exit 1; }
echo 'as found: one member gives two hashes of the same data at the same revision'
