# shellcheck shell=bash
# parts: common data-dir archive-dir scratch snapshot
# Moves a stopped member's data aside under the execution's name, and what restore-snapshot has made into its place. May be run again
# after it was interrupted at any point; never overwrites and never deletes.
unit='{{ unit }}'
data_dir='{{ dataDir }}'
wal_dir='{{ walDir }}'
bin_dir='{{ binDir }}'
user='{{ user }}'
group='{{ group }}'
execution='{{ execution }}'
revision='{{ revision }}'
replace_newer='{{ replaceNewer }}'

# A database that cannot be read is no reason to keep it.
require_older() {
  real_path "$data_dir"
  if [ "$replace_newer" = yes ] || [ ! -f "$reply/member/snap/db" ] || ! read_snapshot "$reply/member/snap/db"; then return; fi
  if [ "$snapshot_revision" -gt "$revision" ]; then
    fail 66 "The data of this member in $reply is at revision $snapshot_revision, and the snapshot that is to replace it at $revision: what was written in between would be lost. Begin the recovery anew, which finds the newer data."
  fi
}

# The contents go one by one, so that a data dir that is a mount point is no different from others.
# place FROM TO
place() {
  real_path "$2"
  require_no_collision "$1" "$reply"
  move_contents "$1" "$reply"
}

integer "$revision" && revision=$reply
real_path "$data_dir"
lock "$(dirname -- "$reply")"
separate_wal_dir "$data_dir" "$wal_dir"
wal_dir=$reply
if [ -n "$wal_dir" ]; then find_scratch "$wal_dir" "$execution" && wal_scratch=$scratch; fi
find_scratch "$data_dir" "$execution"
read_phase "$scratch"
phase=$reply
if [ -z "$phase" ] || [ ! -f "$scratch/restored" ]; then
  fail 65 "Nothing is restored in $scratch that could be placed, or it is being moved back. Restore the snapshot on this host first."
fi
if [ "$phase" = placed ]; then succeed "$(cat "$scratch/archives")"; fi
require_stopped 'its data is replaced'

# Where the old data lies is written down before anything is placed: until then what is in the data dir is old, after that it is new.
if [ ! -f "$scratch/archives" ]; then
  for folder in "$scratch/data/member" ${wal_dir:+"$wal_scratch/wal"}; do
    [ -d "$folder" ] || fail 65 "There is no $folder, though the restore has ended well. Somebody has moved it, or the restore was for other folders: restore the snapshot again."
  done
  require_archivable "$data_dir" data
  if [ -n "$wal_dir" ]; then require_archivable "$wal_dir" wal; fi
  require_older
  set_phase moving
  archive_dir "$data_dir"
  json "$reply" && data_archive=$reply
  reply=''
  if [ -n "$wal_dir" ]; then archive_dir "$wal_dir"; fi
  json "$reply"
  printf '%s\n' "{\"dataDir\":$data_archive,\"walDir\":$reply}" > "$scratch/archives.new"
  mv -f -- "$scratch/archives.new" "$scratch/archives"
fi
place "$scratch/data" "$data_dir"
if [ -n "$wal_dir" ]; then place "$wal_scratch/wal" "$wal_dir"; fi
set_phase placed
succeed "$(cat "$scratch/archives")"
