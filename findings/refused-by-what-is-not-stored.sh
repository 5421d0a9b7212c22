#!/usr/bin/env bash
# etcd 3.6.16, --quota-backend-bytes: a transaction is weighed against the quota with both of its branches, whichever is taken. One whose
# condition does not hold, and whose other branch is empty, stores nothing; it is answered with "database space exceeded" all the same, and
# raises NOSPACE, after which no write is accepted any more.
# Seen: the database and the revision are the same before and after, and the alarm is listed.
# Wants: go on the PATH. Ends with 0 if it is still so, with 1 if not.
set -euo pipefail
version=v3.6.16
folder=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2> /dev/null || true; wait 2> /dev/null || true; rm -rf "$folder"' EXIT
mkdir "$folder/module"
cd "$folder/module"
printf 'module finding\n' > go.mod
export GOFLAGS=-mod=mod GOWORK=off CGO_ENABLED=0
go get "go.etcd.io/etcd/server/v3@$version" "go.etcd.io/etcd/etcdctl/v3@$version" 2> /dev/null
go build -o "$folder/etcd" go.etcd.io/etcd/server/v3
go build -o "$folder/etcdctl" go.etcd.io/etcd/etcdctl/v3

"$folder/etcd" --data-dir "$folder/data" --quota-backend-bytes 8000000 --listen-client-urls http://127.0.0.1:21379 \
  --advertise-client-urls http://127.0.0.1:21379 --listen-peer-urls http://127.0.0.1:21380 \
  --initial-advertise-peer-urls http://127.0.0.1:21380 --initial-cluster default=http://127.0.0.1:21380 > "$folder/log" 2>&1 &
pid=$!
ctl() { "$folder/etcdctl" --endpoints http://127.0.0.1:21379 "$@"; }
for _ in $(seq 1 150); do
  if ctl endpoint health > /dev/null 2>&1; then break; fi
  sleep 0.2
done
head -c 1400000 /dev/zero | tr '\0' x > "$folder/value"
size() { ctl endpoint status -w json | grep -o '"dbSize":[0-9]*' | cut -d : -f 2; }
for key in $(seq 1 100); do
  if [ "$(size)" -gt 6700000 ]; then break; fi
  head -c 100000 "$folder/value" | ctl put "key$key" > /dev/null
done
status() { ctl endpoint status -w json | grep -o -e '"revision":[0-9]*' -e '"dbSize":[0-9]*'; }
before=$(status)
# The key "nothing" is not there, so its version is not above 0; the last block, for that case, is empty.
answer=$({ printf 'version("nothing") > "0"\n\nput big '; cat "$folder/value"; printf '\n\n\n'; } | ctl txn 2>&1 || true)
alarms=$(ctl alarm list)
after=$(status)
echo "etcd ${version#v}, before: $(echo $before)"
echo "the transaction: $(echo "$answer" | grep -o 'database space exceeded' | head -n 1)"
echo "alarms: $alarms"
echo "after: $(echo $after)"
[ "$before" = "$after" ]
echo "$answer" | grep -q 'database space exceeded'
echo "$alarms" | grep -q 'alarm:NOSPACE'
echo 'as found: refused, and the alarm raised, by what would not have been stored'
