#!/usr/bin/env bash
# etcd 3.7.3, --config-file: a key that this release no longer has is passed over without a word, so that what it turned on is off after the
# upgrade. Seen with experimental-initial-corrupt-check, which 3.6.16 takes from the same file: under 3.7.3 the member starts, compares no data
# with its peers, and its log does not name the key. The same setting as a flag ends 3.7.3 with status 2.
# Wants: go on the PATH. Ends with 0 if it is still so, with 1 if not.
set -euo pipefail
folder=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2> /dev/null || true; wait 2> /dev/null || true; rm -rf "$folder"' EXIT
export GOFLAGS=-mod=mod GOWORK=off CGO_ENABLED=0
build() {
  mkdir "$folder/module-$1"
  cd "$folder/module-$1"
  printf 'module finding\n' > go.mod
  go get "go.etcd.io/etcd/server/v3@v$1" 2> /dev/null
  go build -o "$folder/etcd-$1" go.etcd.io/etcd/server/v3
}
# starts VERSION: with the file, until it serves; prints which features its first line says are turned on.
starts() {
  cat > "$folder/etcd.yaml" << EOF
data-dir: $folder/data-$1
listen-client-urls: http://127.0.0.1:21379
advertise-client-urls: http://127.0.0.1:21379
listen-peer-urls: http://127.0.0.1:21380
initial-advertise-peer-urls: http://127.0.0.1:21380
initial-cluster: default=http://127.0.0.1:21380
experimental-initial-corrupt-check: true
EOF
  "$folder/etcd-$1" --config-file "$folder/etcd.yaml" > "$folder/log-$1" 2>&1 &
  pid=$!
  for _ in $(seq 1 150); do
    if grep -q 'ready to serve client requests' "$folder/log-$1"; then break; fi
    sleep 0.2
  done
  kill "$pid"
  wait "$pid" || true
  pid=
  grep -q 'ready to serve client requests' "$folder/log-$1"
  grep -o '"feature-gates":"[^"]*"' "$folder/log-$1" | head -n 1
}
for version in 3.6.16 3.7.3; do build "$version"; done
older=$(starts 3.6.16)
newer=$(starts 3.7.3)
words=$(grep -c experimental-initial-corrupt-check "$folder/log-3.7.3" || true)
status=0
"$folder/etcd-3.7.3" --experimental-initial-corrupt-check=true --data-dir "$folder/data-flag" > /dev/null 2>&1 || status=$?
echo "etcd 3.6.16 with the file: $older"
echo "etcd 3.7.3 with the same file: $newer, and $words lines of its log name the key"
echo "etcd 3.7.3 with the flag ends with $status"
[ "$older" = '"feature-gates":"InitialCorruptCheck=true"' ]
[ "$newer" = '"feature-gates":""' ]
[ "$words" = 0 ]
[ "$status" = 2 ]
echo 'as found: the check is off, and nothing says so'
