# shellcheck shell=bash
# parts: common scratch settings
# Reads the unit's state and log, etcd's version, its data and its configuration; changes nothing.
unit='{{ unit }}'
data_dir='{{ dataDir }}'
wal_dir='{{ walDir }}'
config_file='{{ configFile }}'
bin_dir='{{ binDir }}'

# SSM cuts what a command prints at 24,000 characters.
result_chars=19500
archives_chars=2500

# object NAME VALUE...: an object of texts; after ":", the value is JSON already.
object() {
  local pairs=''
  while [ $# -gt 0 ]; do
    case $1 in
      *:) reply=$2 ;;
      *) json "$2" ;;
    esac
    pairs+="${pairs:+,}\"${1%:}\":$reply"
    shift 2
  done
  reply="{$pairs}"
}

# directory PATH: what is to be known of a data or wal dir.
directory() {
  local real holder exists=false empty=true mounted=false owner='' mode='' size=0 free=0
  real_path "$1"
  real=$reply
  if [ -d "$real" ]; then
    exists=true
    read -r mode _ owner group _ <<< "$(ls -ld -- "$real")"
    owner=$owner:$group mode=${mode:0:10}
    # What cannot be read is not known to be empty.
    if [ ! -r "$real" ] || [ ! -x "$real" ] || [ -n "$(list_contents "$real")" ]; then empty=false; fi
    if is_mount_point "$real"; then mounted=true; fi
    # Files of a running member come and go while du counts them.
    number "$( (du -sk "$real" 2> /dev/null || true) | awk '{ kilobytes = $1 } END { print kilobytes }')" && size=$((reply * 1024))
  fi
  # Where there is no such folder yet, it would be made in the nearest one above.
  holder=$real
  while [ ! -d "$holder" ]; do holder=$(dirname -- "$holder"); done
  number "$(df -P -k "$holder" 2> /dev/null | awk 'NR == 2 { print $(NF - 2) }')" && free=$((reply * 1024))
  object path "$1" realPath "$real" exists: "$exists" empty: "$empty" isMountPoint: "$mounted" \
    owner "$owner" mode "$mode" sizeBytes: "$size" freeBytes: "$free"
}

list_archives() {
  local entry
  for entry in "$1".* "$1"/archived.*; do
    case $entry in *.scratch | *.scratch.backup) continue ;; esac
    if [ -d "$entry" ]; then printf '%s\n' "$entry"; fi
  done
}

# has_log FOLDER
has_log() {
  local file
  for file in "$1"/*.wal; do
    if [ -e "$file" ]; then reply=true && return 0; fi
  done
  reply=false
}

# Recoveries that were interrupted on this host, as an array of JSON; nothing of theirs is left where they came to their end.
list_recoveries() {
  local folder name prefix found='' count=0
  prefix=$(dirname -- "$1")/.etcd-remediation.$(basename -- "$1").
  for folder in "$prefix"* "$1"/archived.*.scratch; do
    read_phase "$folder"
    case $reply in '') continue ;; esac
    name=${folder#"$prefix"} name=${name##*/archived.} name=${name%.scratch}
    # An execution's name has no dots: this is of a data dir whose name begins with this one's.
    case $name in *.*) continue ;; esac
    object execution "$name" phase "$reply"
    found+="${found:+,}$reply" count=$((count + 1))
    if [ "$count" = 10 ]; then break; fi
  done
  reply="[$found]"
}

# etcd reads any ETCD_* variable as a flag, even here.
read_version() {
  reply=''
  if [ -x "$bin_dir/etcd" ]; then
    reply=$(env -i PATH="$PATH" ETCD_UNSUPPORTED_ARCH=arm64 "$bin_dir/etcd" --version 2> /dev/null | awk '/^etcd Version:/ { print $3 }') || reply=''
  fi
}

# lines CHARS BUDGET: standard input as an array of JSON, each line of at most CHARS, the newest within BUDGET.
lines() {
  od -An -v -tu1 | awk -v lines=1 -v max="$1" -v budget="$2" "$json_program"
}

read_unit
object loadState "$LoadState" activeState "$ActiveState" subState "$SubState" result "$Result" \
  mainPid: "$MainPID" restarts: "$NRestarts" exitStatus: "$ExecMainStatus"
unit_state=$reply

read_version
etcd_version=$reply

directory "$data_dir"
data_state=$reply
wal_state=null
if [ -n "$wal_dir" ]; then directory "$wal_dir" && wal_state=$reply; fi
has_log "${wal_dir:-$data_dir/member/wal}" && log_state=$reply
real_path "$data_dir"
real=$reply
archives=$(list_archives "$real" | lines 700 "$archives_chars")
list_recoveries "$real"
recoveries=$reply

read_settings "$config_file"
overriding_list=$(printf '%s' "$overriding" | lines 400 2000)
object format "$format" file "$file" name "$set_name" dataDir "$set_data_dir" walDir "$set_wal_dir" \
  initialAdvertisePeerUrls "$set_advertise_peer_urls" initialCluster "$set_initial_cluster" \
  initialClusterState "$set_initial_cluster_state" initialClusterToken "$set_initial_cluster_token" \
  overriding: "$overriding_list"
object unit: "$unit_state" etcdVersion "$etcd_version" dataDir: "$data_state" walDir: "$wal_state" hasLog: "$log_state" \
  archives: "$archives" recoveries: "$recoveries" configuration: "$reply"
rest=$reply

# The log gets what room is left; a message may have several lines, and bytes of any kind.
log=$( (journalctl -u "$unit" -n 20 --no-pager -q -o cat || true) | tail -n 20 | cut -b 1-1600 | lines 400 $((result_chars - ${#rest})))
succeed "{\"log\":$log,${rest#\{}"
