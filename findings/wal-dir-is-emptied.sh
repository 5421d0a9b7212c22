#!/usr/bin/env bash
# etcd 3.6.16, flag --wal-dir: when a member begins a new log, it first removes everything that lies in its wal dir, other programs' files
# and folders too, and says nothing of it. Only a file whose name ends in .wal makes it take the folder for a log of its own.
# Seen: a folder that held notes.txt and other/ holds nothing but the log, and the segment that etcd prepares (0.tmp), after a member's first start.
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
go get "go.etcd.io/etcd/server/v3@$version" 2> /dev/null
go build -o "$folder/etcd" go.etcd.io/etcd/server/v3

mkdir -p "$folder/wal/other"
echo 'not of etcd' > "$folder/wal/notes.txt"
echo 'not of etcd' > "$folder/wal/other/file"
"$folder/etcd" --data-dir "$folder/data" --wal-dir "$folder/wal" --listen-client-urls http://127.0.0.1:21379 \
  --advertise-client-urls http://127.0.0.1:21379 --listen-peer-urls http://127.0.0.1:21380 \
  --initial-advertise-peer-urls http://127.0.0.1:21380 --initial-cluster default=http://127.0.0.1:21380 > "$folder/log" 2>&1 &
pid=$!
for _ in $(seq 1 150); do
  if ls "$folder/wal/"*-*.wal > /dev/null 2>&1; then break; fi
  sleep 0.2
done
echo "etcd ${version#v}: in the wal dir after the first start:"
ls "$folder/wal"
ls "$folder/wal/"*-*.wal > /dev/null
if grep -q -e notes.txt "$folder/log"; then echo 'it told of the file' && exit 1; fi
if [ -e "$folder/wal/notes.txt" ] || [ -e "$folder/wal/other" ]; then echo 'the other files are still there' && exit 1; fi
echo 'as found: the other files are gone, and the log of etcd does not name them'
