#!/usr/bin/env bash
# etcd 3.5.35: a cluster whose keys take less than half of its quota refuses every write because a member was added. While its log reaches back to its
# first entry (for 100,000 entries, by default), a new member gets no snapshot. It applies all writes that ever were, faster than the compactions behind
# them free what they leave, so its database passes the quota that the others never reached. It raises NOSPACE, and that holds for all of them.
# So a member of a young cluster is better not replaced after a full store was compacted. etcd 3.6.16 sends a snapshot there.
# Seen: a quota of 16,777,216 bytes, a database of 6,922,240 bytes, and 46,198,784 on the new learner.
# Wants: go on the PATH. Ends with 0 if it is still so, with 1 if not.
set -euo pipefail
version=v3.5.35
quota=$((16 * 1024 * 1024))
folder=$(mktemp -d)
pids=()
trap 'for pid in "${pids[@]}"; do kill "$pid" 2> /dev/null || true; done; wait 2> /dev/null || true; rm -rf "$folder"' EXIT
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
ctl() { timeout 60 "$folder/etcdctl" --endpoints http://127.0.0.1:21379 "$@"; }
start() { # NAME CLIENT_PORT PEER_PORT CLUSTER STATE
  "$folder/etcd" --name "$1" --data-dir "$folder/$1" --quota-backend-bytes "$quota" --listen-client-urls "http://127.0.0.1:$2" \
    --advertise-client-urls "http://127.0.0.1:$2" --listen-peer-urls "http://127.0.0.1:$3" --initial-advertise-peer-urls "http://127.0.0.1:$3" \
    --initial-cluster "$4" --initial-cluster-state "$5" > "$folder/$1.log" 2>&1 &
  pids+=("$!")
}
await() { # COMMAND...
  for _ in $(seq 1 150); do
    if "$@" > /dev/null 2>&1; then return; fi
    sleep 0.2
  done
  echo "this did not come true: $*"
  return 1
}
revision() { ctl endpoint status --write-out json | grep -o '"revision":[0-9]*' | head -n 1 | cut -d : -f 2; }
size() { "$folder/etcdctl" --endpoints "http://127.0.0.1:$1" endpoint status --write-out json | grep -o '"dbSize":[0-9]*' | cut -d : -f 2; }
alarms() { ctl alarm list; }
raised() { [ -n "$(alarms)" ]; }

start m1 21379 21380 m1=http://127.0.0.1:21380 new
await ctl endpoint health
value=$(head -c 500 /dev/zero | tr '\0' x)
# Puts 10,000 keys, 125 in a transaction.
put_all() { # VALUE
  local from key
  for from in $(seq 1 125 9876); do
    { echo && for key in $(seq "$from" $((from + 124))); do echo "put key$key $1$value"; done && echo && echo; } | ctl txn > /dev/null
  done
}
put_all 0
for round in 1 2 3 4 5 6 7 8; do
  put_all "$round"
  ctl compact --physical "$(revision)" > /dev/null
  ctl defrag > /dev/null
done
alone=$(size 21379)
[ -z "$(alarms)" ] || { echo "an alarm was raised by itself: $(alarms)" && exit 1; }
ctl member add m2 --learner --peer-urls http://127.0.0.1:21390 > /dev/null
start m2 21389 21390 m1=http://127.0.0.1:21380,m2=http://127.0.0.1:21390 existing
await raised
said=$(ctl put one more 2>&1 || true)
echo "etcd ${version#v}, quota $quota bytes: the database has $alone before a learner is added, and the learner's $(size 21389) after"
echo "etcd ${version#v}: $(alarms); a write: ${said##*Error: }"
[ "$alone" -lt $((quota / 2)) ] || { echo 'the first database was not half empty itself' && exit 1; }
case $said in *'database space exceeded'*) ;; *) echo 'writes are accepted' && exit 1 ;; esac
echo 'as found: a new member has raised NOSPACE for a cluster that is half empty'
