# shellcheck shell=bash
# parts: common data-dir raft-log scratch snapshot compression replay rehearsal
# Makes a snapshot of the best that a member's data holds, whether the member runs or not, from a copy; the data itself is only read. Run
# again, it says the same, or begins again where it was interrupted.
unit='{{ unit }}'
data_dir='{{ dataDir }}'
wal_dir='{{ walDir }}'
bin_dir='{{ binDir }}'
user='{{ user }}'
group='{{ group }}'
keep='{{ keep }}'
compressor='{{ compressor }}'
execution='{{ execution }}'

need systemctl cp rm mkdir chown chgrp chmod head mv sleep
if command -v cmp > /dev/null; then need cmp; fi

copy_tries=8
# etcd makes its log files in pieces of 64 MB: the one that it goes on with, and the next.
wal_bytes=128000000

kept='' cluster=''
revision=0 keys=0 hash='' version='' size=0 raw_revision=0 log=null snapshot=null replay_problem='' removed='' compressing='' compress_problem=''

# clean_up: unless all is done, nothing stays.
clean_up() {
  end_replay
  # It holds the copy open, and with it the disk.
  if [ -n "$compressing" ]; then { kill "$compressing" && wait "$compressing"; } 2> /dev/null || true; fi
  if [ -z "$kept" ]; then rm -rf -- "$scratch"; else rm -rf -- "$work" "$scratch/etcd.log"; fi
}

# describe METHOD PROBLEM: the result, in `reply`.
describe() {
  json "$2"
  reply="{\"method\":\"$1\",\"revision\":\"$revision\",\"totalKeys\":$keys,\"hash\":\"$hash\",\"version\":\"$version\",\"sizeBytes\":$size,\"rawRevision\":\"$raw_revision\",\"clusterId\":\"$cluster\",\"log\":$log,\"snapshot\":$snapshot,\"problem\":$reply${removed:+,\"removed\":[$removed]}}"
}

# nothing PROBLEM
nothing() {
  describe none "$1"
  succeed "$reply"
}

# What an execution that was cut off has salvaged is of no more use, and takes the room that this one needs.
discard_leftovers() {
  local folder parent name execution_of
  parent=$(folder_of "$real") name=$(name_of "$real")
  for folder in "$parent/.etcd-remediation.$name".* "$real"/archived.*.scratch "$real"/archived.*.scratch.backup; do
    if [ ! -d "$folder" ] || [ -L "$folder" ] || [ "$folder" = "$scratch" ] || [ "$folder" = "$scratch.backup" ]; then continue; fi
    # Another dot is of the data dir of another cluster, whose name begins with this one's.
    execution_of=${folder#"$parent/.etcd-remediation.$name."}
    case ${execution_of%.backup} in "${folder%.backup}") ;; *.*) continue ;; esac
    read_phase "$folder"
    case $reply in '' | kept) ;; *) continue ;; esac
    if has_flock && ! flock -n "$folder" true; then
      # A backup that is copied is ended as a rehearsal is: the next one is due soon.
      if [ ! -e "$folder/backup" ] || ! end_rehearsal "$folder"; then continue; fi
    fi
    rm -rf -- "$folder"
    json "$folder"
    removed+="${removed:+,}$reply"
  done
}

# A recovery does not wait for a rehearsal that is at work. What is restored here needs its room also where nothing is left to salvage.
discard_rehearsals() {
  local folder
  for folder in "$(folder_of "$real")/.etcd-remediation.$(name_of "$real").$rehearsal" "$real/archived.$rehearsal.scratch"; do
    if [ ! -d "$folder" ] || [ -L "$folder" ] || ! end_rehearsal "$folder"; then continue; fi
    json "$folder"
    removed+="${removed:+,}$reply"
  done
}

# Nothing of a restore is ever touched.
require_no_restore() {
  read_phase "$scratch"
  [ -z "$reply" ] || refuse restore-begun 65 "A restore of $execution has begun on this host already ($reply), so nothing is salvaged any more. Let a new execution begin with what it finds."
}

require_readable() {
  local folder
  require_account
  for folder in "$real" "$member" "$member/snap" "$log_dir"; do
    if [ -d "$folder" ] && { [ ! -r "$folder" ] || [ ! -x "$folder" ]; }; then
      refuse data-unreadable 65 "$folder cannot be read by $(id -un). Run this as root."
    fi
  done
}

# The files that etcd starts from, a line each: `snap` or `wal`, and the path. Not what it makes again: the next log file, half a defragmentation.
list_files() {
  local file
  for file in "$member"/snap/db "$member"/snap/*.snap "$member"/snap/*.snap.db; do
    if [ -f "$file" ]; then printf 'snap %s\n' "$file"; fi
  done
  for file in "$log_dir"/*.wal; do
    if [ -f "$file" ]; then printf 'wal %s\n' "$file"; fi
  done
}

has_wal() {
  case $(list_files) in *.wal) return 0 ;; esac
  return 1
}

require_room() {
  local needed=$wal_bytes what="a copy of $real" kind file
  while read -r kind file; do
    if [ ! -e "$file" ]; then continue; fi
    disk_use "$file"
    needed=$((needed + reply * 1024))
  done <<< "$(list_files)"
  if [ "$keep" = yes ]; then
    size_of "$database"
    needed=$((needed + reply)) what+=', with a snapshot of it,'
  fi
  require_free "$scratch" "$needed" "$what"
}

# Files are full of holes, and some file systems copy without copying.
find_copy_options() {
  copy_options=(-p)
  case $(cp --help 2>&1 || true) in *--sparse*) copy_options+=(--sparse=always) ;; esac
  case $(cp --help 2>&1 || true) in *--reflink*) copy_options+=(--reflink=auto) ;; esac
}

# copy_files: returns 1 and leaves `copy_problem` where a file could not be copied; of one that runs, log files come and go.
copy_files() {
  local kind file
  copy_problem=$(rm -rf -- "$work" 2>&1 && mkdir -p -- "$work/copy/member/snap" "$work/copy/member/wal" 2>&1) || return 1
  while read -r kind file; do
    copy_problem=$(cp "${copy_options[@]}" -- "$file" "$work/copy/member/$kind/" 2>&1) || return 1
  done <<< "$(list_files)"
}

# etcd must get to its copy, and see nothing else on its way.
give_to_etcd() {
  local problem
  problem=$(chown -hR -- "$user:$group" "$work" 2>&1 && chgrp -h -- "$group" "$scratch" 2>&1 && chmod 710 "$scratch" 2>&1) ||
    refuse copy-not-given 65 "The copy of the data cannot be given to $user:$group by chown, chgrp and chmod: ${problem:0:300}. Check the names of the user and the group."
}

# is_same ONE OTHER: not every host has cmp.
is_same() {
  local one
  if command -v cmp > /dev/null; then
    cmp -s -- "$1" "$2"
    return
  fi
  sha256_of "$1" && one=$reply
  sha256_of "$2"
  [ "$one" = "$reply" ]
}

# A member that has lost its quorum applies nothing, so its database does not change; its log may: what is half written at its end is
# an election's, and nobody was told of it.
copy_data() {
  local try problem
  for ((try = 1; try <= copy_tries; try++)); do
    if ! copy_files; then
      problem="$real could not be copied by rm, mkdir and cp: ${copy_problem:0:300}"
    elif is_same "$database" "$copied"; then
      give_to_etcd
      return
    else
      problem="$database has changed while it was copied, $try times: etcd still writes to it, so this member may well have its quorum"
    fi
    if [ "$try" -lt "$copy_tries" ]; then sleep "$try"; fi
  done
  refuse copy-impossible 65 "$problem. See whether the disk is sound and what uses the data, then run this again."
}

# read_and_compress: reads what is in the copy, as `read_snapshot` does, and compresses it meanwhile if it is kept: each takes seconds a GiB, and most
# hosts have more than one processor. Whoever fetches it compares its SHA-256, so none is put behind the database as `snapshot save` does.
read_and_compress() {
  local status=0
  compress_problem=''
  if [ "$keep" != yes ]; then read_snapshot "$copied" && return; return 1; fi
  exec_compressor "$copied" > "$scratch/snapshot" 2> "$work/problem" 3>&- 9>&- &
  compressing=$!
  read_snapshot "$copied" || status=1
  wait "$compressing" || compress_problem="it ended with status $?: $(head -c 300 "$work/problem")"
  compressing=''
  return "$status"
}

# take_replayed: returns 1 and leaves `replay_problem` where the log adds nothing that can be used.
take_replayed() {
  if [ ! -x "$bin_dir/etcd" ]; then replay_problem="$bin_dir has no etcd to replay the log" && return 1; fi
  if ! has_wal; then replay_problem="there is no log in $log_dir" && return 1; fi
  replay "$work" "$scratch/etcd.log" || return 1
  if ! read_and_compress; then replay_problem="etcd has replayed the log, but the database cannot be read: $snapshot_problem" && return 1; fi
  [ "$snapshot_revision" -ge "$raw_revision" ] && return 0
  replay_problem="the log ends at revision $snapshot_revision, before the database"
  return 1
}

# A member that cannot start may have a process as well, again and again.
still_runs() {
  read_unit
  [ "$MainPID" != 0 ] && [ "$MainPID" = "$process" ]
}

write_snapshot() {
  [ -z "$compress_problem" ] || fail 1 "The snapshot could not be written to $scratch by $compressor: $compress_problem. See whether the disk is full, then run this again."
  sha256_of "$scratch/snapshot"
  snapshot=$reply
  size_of "$scratch/snapshot"
  snapshot="{\"sizeBytes\":$reply,\"sha256\":\"$snapshot\"}"
}

find_data "$data_dir" "$wal_dir"
database=$member/snap/db log_dir=$member/wal
if [ -n "$wal_dir" ]; then real_path "$wal_dir" && log_dir=$reply; fi
require_readable
find_scratch "$data_dir" "$execution"
require_no_restore
if [ "$keep" = yes ]; then discard_rehearsals; fi
[ -f "$database" ] || nothing "The database $database does not exist."
require_snapshot_tools
require_compressor
require_alone
read_unit
process=$MainPID
make_scratch "$scratch"
lock "$scratch"
require_no_restore
if [ "$keep" = yes ] && [ -f "$scratch/salvaged" ] && [ -f "$scratch/snapshot" ]; then
  read_line "$scratch/salvaged"
  succeed "$reply"
fi
work=$scratch/replay copied=$scratch/replay/copy/member/snap/db
if [ -f "$copied" ] && has_flock && ! flock -n -s "$copied" true; then
  refuse replay-runs 65 "An etcd that an interrupted run has started still works on $work/copy. Find it by that folder and end it, then run this again."
fi
to_free=clean_up
rm -rf -- "${scratch:?}"/*
if [ "$keep" = yes ]; then discard_leftovers; fi

require_room
find_copy_options
copy_data
raw_problem=''
if read_snapshot "$copied"; then raw_revision=$snapshot_revision; else raw_problem=$snapshot_problem; fi
if take_replayed; then
  log=$replayed_log method=replayed
  if [ "$snapshot_revision" = "$raw_revision" ] && still_runs; then method=live; fi
elif [ -n "$raw_problem" ]; then
  nothing "The database $database cannot be read: $raw_problem. With its log it was no better: $replay_problem."
else
  method=raw
  copy_data
  if still_runs; then method=live; fi
  read_and_compress || fail 1 "$database could be read, and now it cannot: $snapshot_problem. See whether the disk is sound, then run this again."
  raw_revision=$snapshot_revision
fi

read_cluster "$work/copy/member/wal"
cluster=$reply
# The log of a sound host may not say it. Where one of these has stopped working, nobody has asked.
if [ -z "$cluster" ]; then needed='' && need od awk; fi
revision=$snapshot_revision keys=$snapshot_keys hash=$snapshot_hash version=$snapshot_version
size_of "$copied" && size=$reply
if [ "$keep" = yes ]; then write_snapshot; fi
describe "$method" "${replay_problem:+The log could not be replayed: $replay_problem.}"
result=$reply
if [ "$keep" = yes ]; then
  printf '%s\n' "$result" > "$scratch/salvaged.new"
  mv -f -- "$scratch/salvaged.new" "$scratch/salvaged"
  kept=yes
fi
succeed "$result"
