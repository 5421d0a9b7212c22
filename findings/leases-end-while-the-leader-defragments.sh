#!/usr/bin/env bash
# etcd 3.7.3, etcdctl defrag on the leader: for as long as the leader defragments, it renews no lease, and no other member does in its place. A
# lease whose client sends its keep-alives all the while, through a follower that answers everything else, is gone afterwards, and its key with it.
# Seen with a lease of 2 s and a database that takes the leader more than three times as long; the same leases outlive the defragmentation of a follower.
# Wants: go on the PATH, 4 GB of disk. Ends with 0 if it is still so, with 1 if not.
set -euo pipefail
version=v3.7.3
folder=$(mktemp -d)
pids=()
trap '[ "${#pids[@]}" = 0 ] || kill "${pids[@]}" 2> /dev/null || true; wait 2> /dev/null || true; rm -rf "$folder"' EXIT
mkdir "$folder/module"
cd "$folder/module"
printf 'module finding\n' > go.mod
export GOFLAGS=-mod=mod GOWORK=off CGO_ENABLED=0
go get "go.etcd.io/etcd/server/v3@$version" "go.etcd.io/etcd/etcdctl/v3@$version" 2> /dev/null
go build -o "$folder/etcd" go.etcd.io/etcd/server/v3
go build -o "$folder/etcdctl" go.etcd.io/etcd/etcdctl/v3

peers=m1=http://127.0.0.1:21381,m2=http://127.0.0.1:21382,m3=http://127.0.0.1:21383
for i in 1 2 3; do
  "$folder/etcd" --name "m$i" --data-dir "$folder/m$i" --quota-backend-bytes 4000000000 --initial-cluster "$peers" \
    --listen-client-urls "http://127.0.0.1:2137$i" --advertise-client-urls "http://127.0.0.1:2137$i" \
    --listen-peer-urls "http://127.0.0.1:2138$i" --initial-advertise-peer-urls "http://127.0.0.1:2138$i" > "$folder/log$i" 2>&1 &
  pids+=($!)
done
all=http://127.0.0.1:21371,http://127.0.0.1:21372,http://127.0.0.1:21373
ctl() { "$folder/etcdctl" --command-timeout=120s "$@"; }
for _ in $(seq 1 150); do
  if ctl --endpoints "$all" endpoint health > /dev/null 2>&1; then break; fi
  sleep 0.2
done
leads() { ctl --endpoints "$1" endpoint status | grep -q ', true, false,'; }
followers=()
for url in ${all//,/ }; do if leads "$url"; then leader=$url; else followers+=("$url"); fi; done

head -c 1400000 /dev/urandom > "$folder/value"
# defrag URL: how many milliseconds it took.
defrag() {
  local began
  began=$(date +%s%3N)
  ctl --endpoints "$1" defrag > /dev/null
  echo $(($(date +%s%3N) - began))
}
keys=0
for _ in 1 2 3 4; do
  for _ in $(seq 1 500); do
    keys=$((keys + 1))
    ctl --endpoints "${followers[0]}" put "key$keys" < "$folder/value" > /dev/null
  done
  took=$(defrag "${followers[1]}")
  if [ "$took" -gt 8000 ]; then break; fi
done

# outlives URL: whether a lease that is renewed through a follower is there after the defragmentation of the member at URL.
outlives() {
  local lease keeper
  lease=$(ctl --endpoints "${followers[0]}" lease grant 2 | cut -d ' ' -f 2)
  ctl --endpoints "${followers[0]}" put leased here "--lease=$lease" > /dev/null
  "$folder/etcdctl" --endpoints "${followers[0]}" lease keep-alive "$lease" > /dev/null 2>&1 &
  keeper=$!
  pids+=("$keeper")
  sleep 2
  took=$(defrag "$1")
  # What has ended is removed by the leader, which takes up its work again.
  sleep 4
  kill "$keeper" 2> /dev/null || true
  if [ -n "$(ctl --endpoints "$all" get leased)" ]; then kept=yes; else kept=no; fi
}
outlives "${followers[1]}"
of_follower=$kept
echo "etcd ${version#v}, a follower defragmented for $took ms: the key of the lease is there: $kept"
leads "$leader"
outlives "$leader"
echo "the leader defragmented for $took ms: the key of the lease is there: $kept"
[ "$of_follower" = yes ]
[ "$took" -gt 6000 ]
[ "$kept" = no ]
echo 'as found: the leader alone renews leases, and does not while it defragments'
