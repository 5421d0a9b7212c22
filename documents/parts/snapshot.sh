# shellcheck shell=bash
# etcd's snapshots: what is in a database file, and who may run what.
# shellcheck disable=SC2317

# etcdutl came with 3.5, and etcdctl lost these commands with 3.6. Looked for before it is used, for a subshell could not end the script.
# shellcheck disable=SC2154
find_snapshot_tool() {
  snapshot_program=$bin_dir/etcdutl
  if [ ! -x "$snapshot_program" ]; then snapshot_program=$bin_dir/etcdctl; fi
  [ -x "$snapshot_program" ] || refuse etcdutl-missing 65 "There is neither etcdutl nor etcdctl in $bin_dir, so a snapshot can be neither read nor restored on this host. Install etcd's programs there."
}

# snapshot_tool ARGUMENTS... etcd's programs read every ETCD_* variable as a flag.
snapshot_tool() {
  env -i PATH="$PATH" ETCDCTL_API=3 ETCD_UNSUPPORTED_ARCH=arm64 "$snapshot_program" snapshot "$@"
}

# read_snapshot FILE: leaves `snapshot_revision`, `snapshot_keys`, `snapshot_hash` and `snapshot_version`, or `snapshot_problem` and returns 1.
# The revision is that of the newest key in it; etcd counts from 1. The version is that of the storage (3.7.0), which etcdutl tells since 3.6, and
# of what 3.6 and later have written; otherwise it is empty.
# shellcheck disable=SC2034
read_snapshot() {
  local said
  snapshot_revision=0 snapshot_keys=0 snapshot_hash='' snapshot_version='' snapshot_problem=''
  find_snapshot_tool
  if ! said=$(snapshot_tool status "$1" --write-out=json 2>&1); then
    snapshot_problem=${said:0:400}
    return 1
  fi
  if [[ $said =~ \"hash\":([0-9]+),\"revision\":([0-9]+),\"totalKey\":([0-9]+) ]]; then
    snapshot_hash=${BASH_REMATCH[1]} snapshot_revision=${BASH_REMATCH[2]} snapshot_keys=${BASH_REMATCH[3]}
    if [[ $said =~ \"version\":\"([0-9.]+)\" ]]; then snapshot_version=${BASH_REMATCH[1]}; fi
    return 0
  fi
  snapshot_problem="its status was not understood: ${said:0:300}"
  return 1
}

# integer DIGITS: as bash counts with it, to which a leading zero would mean octal; in `reply`.
integer() {
  [ "${#1}" -le 18 ] || fail 64 "$1 is too large a number."
  reply=$((10#$1))
}

# size_of FILE: in bytes, in `reply`.
size_of() {
  number "$(wc -c < "$1" | tr -d ' ')"
}

# require_snapshot_tools: what a recovery needs on each host.
require_snapshot_tools() {
  find_snapshot_tool
  case $snapshot_program:$(snapshot_tool --help 2>&1 || true) in
    */etcdctl:*restore*) ;;
    */etcdctl:*) refuse etcdutl-needed 65 "There is no etcdutl in $bin_dir, and its etcdctl is of a release that cannot restore snapshots any more. Install etcd's etcdutl there." ;;
  esac
  command -v gzip > /dev/null || refuse gzip-missing 65 "There is no gzip on this host, which snapshots are compressed with. Install it."
  command -v sha256sum > /dev/null || command -v shasum > /dev/null ||
    refuse sha256sum-missing 65 "There is neither sha256sum nor shasum on this host, which snapshots are told apart with. Install coreutils."
}

# decompressed_size FILE.gz: in bytes, in `reply`. Before 1.12 gzip counted to 4 GiB only: then the disk may turn out too small later.
decompressed_size() {
  number "$(gzip -l -- "$1" 2> /dev/null | awk 'NR == 2 { print $2 }')"
}

# decompress FROM TO: returns 1 and leaves what gzip said in `reply` where it fails.
decompress() {
  reply=$({ gzip -dc < "$1" > "$2"; } 2>&1) || { reply=${reply:0:300} && return 1; }
}

# sha256_of FILE: in `reply`; read from standard input, or a strange name would be escaped in what is printed.
sha256_of() {
  if command -v sha256sum > /dev/null; then reply=$(sha256sum < "$1"); else reply=$(shasum -a 256 < "$1"); fi
  reply=${reply%% *}
}
