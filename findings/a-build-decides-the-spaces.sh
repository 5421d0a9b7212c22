#!/usr/bin/env bash
# etcd 3.7.3 (3.6.16 too): the JSON gateway (POST /v3/...) answers {"memberID":"1","alarm":"NOSPACE"}, or the same with a space after each comma. Which
# of the two depends on the executable file: protobuf's JSON encoder hashes its size and samples of its bytes, so that nobody relies on the spaces.
# etcd's documentation shows its answers without spaces. So a check that greps them finds the alarm that one build of a release lists, and misses it
# with another build of the same release and source.
# Seen: 3.6.16 from `go build` writes the spaces, and with -ldflags=-s it does not. Here one program is asked again with zero bytes after its end.
# Wants: go and curl on the PATH. Ends with 0 if it is still so, with 1 if not.
set -euo pipefail
version=v3.7.3
folder=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2> /dev/null || true; wait 2> /dev/null || true; rm -rf "$folder"' EXIT
mkdir "$folder/module"
cd "$folder/module"
printf 'module finding\n' > go.mod
export GOFLAGS=-mod=mod GOWORK=off CGO_ENABLED=0
go get "go.etcd.io/etcd/server/v3@$version" 2> /dev/null
go build -o "$folder/etcd" go.etcd.io/etcd/server/v3
cd "$folder"

post() { curl -sf --max-time 5 "http://127.0.0.1:21379/v3/$1" -d "$2"; }
# Starts a new member, raises its alarm, and prints how the gateway lists it.
listed() {
  rm -rf data
  ./etcd --data-dir data --listen-client-urls http://127.0.0.1:21379 --advertise-client-urls http://127.0.0.1:21379 \
    --listen-peer-urls http://127.0.0.1:21380 --initial-advertise-peer-urls http://127.0.0.1:21380 \
    --initial-cluster default=http://127.0.0.1:21380 > log 2>&1 &
  pid=$!
  id=''
  for _ in $(seq 1 100); do
    if id=$(post maintenance/status '{}' 2> /dev/null | grep -o '"member_id":"[0-9]*' | grep -o '[0-9]*$'); then break; fi
    sleep 0.2
  done
  post maintenance/alarm "{\"action\":\"ACTIVATE\",\"memberID\":\"$id\",\"alarm\":\"NOSPACE\"}" > /dev/null
  post maintenance/alarm '{"action":"GET"}' > answer
  kill "$pid"
  wait "$pid" || true
  pid=
  grep -o '"alarms":.*' answer
}
with=''
without=''
for bytes in $(seq 0 15); do
  listed > seen
  if grep -q '"memberID":"[0-9]*","alarm":"NOSPACE"' seen; then
    without="$bytes bytes more: $(cat seen)"
  elif grep -q '"memberID":"[0-9]*", "alarm":"NOSPACE"' seen; then
    with="$bytes bytes more: $(cat seen)"
  fi
  if [ -n "$with" ] && [ -n "$without" ]; then break; fi
  printf '\0' >> etcd
done
echo "etcd ${version#v} with $with"
echo "etcd ${version#v} with $without"
[ -n "$with" ]
[ -n "$without" ]
echo 'as found: one program spells its answer in two ways, and its file decides which'
