#!/usr/bin/env bash
# etcd 3.7.3 (3.6.16 too): a snapshot holds the state of a downgrade. If it was saved while `etcdctl downgrade enable` was in force, the cluster that is
# restored from it is in that downgrade from its first start, although it is a new cluster of one release, and nobody began a downgrade there.
# It is healthy and takes writes, but no member of its own release can join: `member add` accepts it, and its etcd then ends with status 1.
# So a restore to one member, which is to grow to three, stays at one. `etcdutl snapshot restore` says nothing; `etcdctl downgrade cancel` is the way out.
# Seen: downgradeInfo of the restored member is enabled with target 3.6.0, and a second one ends with "incompatible with current running cluster".
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
ctl() { timeout 30 "$folder/etcdctl" --endpoints http://127.0.0.1:21379 "$@"; }
await() { # COMMAND...
  for _ in $(seq 1 150); do
    if "$@" > /dev/null 2>&1; then return; fi
    sleep 0.2
  done
  echo "this did not come true: $*"
  return 1
}
# Becomes the member, so that its process id is that of the shell that called it.
become() { # NAME CLIENT_PORT PEER_PORT CLUSTER STATE
  exec timeout 120 "$folder/etcd" --name "$1" --data-dir "$folder/$1" --listen-client-urls "http://127.0.0.1:$2" \
    --advertise-client-urls "http://127.0.0.1:$2" --listen-peer-urls "http://127.0.0.1:$3" --initial-advertise-peer-urls "http://127.0.0.1:$3" \
    --initial-cluster "$4" --initial-cluster-state "$5"
}
downgrade() { ctl endpoint status --write-out json | grep -o '"downgradeInfo":{[^}]*}'; }
downgrading() { downgrade | grep -q '"enabled":true'; }
start() { # NAME
  become "$1" 21379 21380 "$1=http://127.0.0.1:21380" new > "$folder/$1.log" 2>&1 &
  pid=$!
  await ctl endpoint health
}

start first
ctl put key value > /dev/null
ctl downgrade enable 3.6 > /dev/null
await downgrading
ctl snapshot save snapshot > /dev/null 2>&1
ctl downgrade cancel > /dev/null
kill "$pid"
wait "$pid" || true
"$folder/etcdutl" snapshot restore snapshot --name restored --data-dir "$folder/restored" --initial-cluster restored=http://127.0.0.1:21380 \
  --initial-cluster-token another --initial-advertise-peer-urls http://127.0.0.1:21380 > restore.log 2>&1
start restored
echo "etcd ${version#v}, the restored cluster: $(downgrade); lines of the restore that name a downgrade: $(grep -ci downgrad restore.log || true)"
ctl put key another > /dev/null
downgrading || { echo 'it is in no downgrade' && exit 1; }
ctl member add second --learner --peer-urls http://127.0.0.1:21390 > /dev/null
status=0
(become second 21389 21390 restored=http://127.0.0.1:21380,second=http://127.0.0.1:21390 existing) > second.log 2>&1 || status=$?
said=$(grep -o 'incompatible with current running cluster' second.log | head -n 1 || true)
echo "etcd ${version#v}, a second member of the same release ends with $status: $said"
[ "$status" = 1 ]
[ -n "$said" ]
echo 'as found: the restored cluster goes on with the downgrade, and cannot grow'
