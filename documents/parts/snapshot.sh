# shellcheck shell=bash
# etcd's snapshots: what is in a database file, and who may run what.
# shellcheck disable=SC2317

need env wc tr id

# etcdutl came with 3.5, and etcdctl lost these commands with 3.6. Looked for before it is used, for a subshell could not end the script.
# shellcheck disable=SC2154
find_snapshot_tool() {
  snapshot_program=$bin_dir/etcdutl
  if [ ! -x "$snapshot_program" ]; then snapshot_program=$bin_dir/etcdctl; fi
  [ -x "$snapshot_program" ] || refuse etcdutl-missing 65 "There is neither etcdutl nor etcdctl in $bin_dir, so a snapshot can be neither read nor restored on this host. Install etcd's programs there."
}

# What goes before etcd's programs to bound what they take.
limits=()

# snapshot_tool ARGUMENTS... etcd's programs read every ETCD_* variable as a flag. By its command's ID it is found where the script is killed.
snapshot_tool() {
  ${limits[@]+"${limits[@]}"} env -i PATH="$PATH" SSM_COMMAND_ID="${SSM_COMMAND_ID:-}" ETCDCTL_API=3 ETCD_UNSUPPORTED_ARCH=arm64 \
    "$snapshot_program" snapshot "$@"
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
    snapshot_problem=${snapshot_problem:-env and $snapshot_program said nothing}
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
  reply=$(wc -c < "$1" | tr -d ' ') || reply=''
  case $reply in '' | *[!0-9]*) fail 1 "wc and tr do not say how large $1 is. See whether it can be read and the disk is sound, then run this again." ;; esac
}

# require_snapshot_tools: what a recovery needs on each host.
require_snapshot_tools() {
  find_snapshot_tool
  case $snapshot_program:$(snapshot_tool --help 2>&1 || true) in
    *:*restore*) ;;
    */etcdctl:?*) refuse etcdutl-needed 65 "$bin_dir has no etcdutl, and its etcdctl is of a release that cannot restore snapshots any more. Install etcd's etcdutl there." ;;
    *) refuse etcdutl-broken 65 "$snapshot_program does not work on this host: asked by env for its help on snapshots, it does not speak of restoring them. Run \"$snapshot_program snapshot --help\" to see why." ;;
  esac
  command -v gzip > /dev/null || refuse gzip-missing 65 "This host has no gzip, which compresses snapshots. Install it."
  need gzip
  require_sha256
}

# require_sha256: one that works. openssl goes first: it knows what the processor does by itself, and coreutils may have been built without
# (measured on Debian 12: 1.0 s a GiB, and 5.0 s).
require_sha256() {
  for sha256_tool in openssl sha256sum shasum; do
    if command -v "$sha256_tool" > /dev/null && [[ $(try_tool "$sha256_tool") == "$sha256_of_nothing"* ]]; then return 0; fi
  done
  refuse sha256sum-missing 65 "On this host there is neither an openssl nor a sha256sum nor a shasum that works. They identify snapshots. Install coreutils."
}
sha256_of_nothing=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855

# require_alone: what a log is replayed with (see exec_alone). Without it the log would not be replayed, and its writes would count as lost.
# shellcheck disable=SC2154
require_alone() {
  if [ "$(id -u)" != 0 ]; then return 0; fi
  need unshare
  if [ "$user" = root ]; then return 0; fi
  command -v setpriv > /dev/null || command -v runuser > /dev/null ||
    refuse tool-missing 65 "There is neither setpriv nor runuser on this host, and the log of a copy of the data is replayed as $user with one of them. Install util-linux, then run this again."
}

# print_sha256 FILE: read from standard input, or a strange name would be escaped in what is printed.
print_sha256() {
  case $sha256_tool in
    openssl) openssl dgst -sha256 -r < "$1" ;;
    shasum) shasum -a 256 < "$1" ;;
    *) sha256sum < "$1" ;;
  esac
}

# sha256_of FILE: in `reply`.
sha256_of() {
  reply=$(print_sha256 "$1") || reply=''
  reply=${reply%% *}
  [ "${#reply}" = 64 ] || fail 1 "$sha256_tool does not say what $1 holds. See whether it can be read and the disk is sound, then run this again."
}
