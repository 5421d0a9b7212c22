# shellcheck shell=bash
# parts: common service data-dir archive-dir scratch snapshot settings membership write-membership
# Stops the service, moves its data aside under the execution's name, and moves the restored data into its place. Then writes the new membership
# into etcd's configuration. For a member that is left out, only the service is stopped. May run again after an interruption at any point.
# Never overwrites and never deletes. A command that comes late, when its restore is over, stops nothing.
unit='{{ unit }}'
data='{{ data }}'
data_dir='{{ dataDir }}'
wal_dir='{{ walDir }}'
config_file='{{ configFile }}'
bin_dir='{{ binDir }}'
user='{{ user }}'
group='{{ group }}'
initial_cluster='{{ initialCluster }}'
initial_cluster_token='{{ initialClusterToken }}'
execution='{{ execution }}'
revision='{{ revision }}'
replace_newer='{{ replaceNewer }}'
sent_at='{{ sentAt }}'
# A member that has restored data does not look at this, and one that has lost it must never begin a cluster by itself.
initial_cluster_state=existing

# A database that cannot be read is no reason to keep it; but then it has to be seen that others can be read here.
require_older() {
  if [ "$replace_newer" = yes ] || [ ! -f "$member/snap/db" ]; then return; fi
  if ! read_snapshot "$member/snap/db"; then
    read_snapshot "$scratch/data/member/snap/db" || fail 1 "$snapshot_program can read neither the data of this member in $real nor what was restored: $snapshot_problem. So which is newer is unknown, and nothing was moved. Run it by hand to see why, then run this again."
    return
  fi
  if [ "$snapshot_revision" -gt "$revision" ]; then
    refuse data-newer 66 "The data of this member in $real is at revision $snapshot_revision, and the snapshot that would replace it at $revision: what was written in between would be lost. Start the recovery again: it finds the newer data."
  fi
}

# place FROM TO
place() {
  if [ ! -d "$1" ]; then return 0; fi
  if [ -d "$2" ] && ! is_filled "$2"; then rmdir -- "$2"; fi
  move "$1" "$2"
}

require_this_boot
if [ "$data" = leave ]; then
  stop
  succeed '{"dataDir":"","walDir":"","file":"","copy":"","changed":false}'
fi
integer "$revision" && revision=$reply
find_data "$data_dir" "$wal_dir"
locked=$(folder_of "$real")
lock "$locked" 8
find_scratch "$data_dir" "$execution"
find_restored_wal
read_phase "$scratch"
if [ "$reply" = placed ]; then
  read_line "$scratch/swapped"
  succeed "$reply"
fi
case $reply in restored | moving) restored=$scratch/restored ;; *) restored='' ;; esac
if [ ! -f "$restored" ]; then
  refuse not-restored 65 "Nothing is restored in $scratch that could be placed, or it is being moved back, or it is kept already. Restore the snapshot on this host first."
fi
# Whatever can be refused while the service runs is refused before it is stopped.
prepare_membership "$config_file"
if [ ! -f "$scratch/archives" ]; then
  for folder in "$scratch/data/member" "$restored_wal"; do
    [ -d "$folder" ] || refuse restored-moved 65 "$folder does not exist, though the restore has ended well. It was moved, or the restore was for other folders. Restore the snapshot again."
  done
  require_movable
fi
stop

# Where the old data is is written down before anything is placed: until then what is in the data dir is old, after that it is new.
if [ ! -f "$scratch/archives" ]; then
  require_closed
  require_older
  set_phase moving
  # An undo gives the data dir back to whom it belongs now.
  if [ -d "$real" ] && [ ! -f "$scratch/owner" ]; then
    read_owner "$real"
    printf '%s\n' "$owner_uid:$owner_gid" > "$scratch/owner.new"
    mv -f -- "$scratch/owner.new" "$scratch/owner"
  fi
  archive_data
  printf '%s\n' "$reply" > "$scratch/archives.new"
  mv -f -- "$scratch/archives.new" "$scratch/archives"
fi
place "$scratch/data/member" "$member"
if [ -n "$wal" ]; then place "$restored_wal" "$wal"; fi
put_membership
written=$reply
read_line "$scratch/archives"
result="${reply%\}},$written}"
printf '%s\n' "$result" > "$scratch/swapped.new"
mv -f -- "$scratch/swapped.new" "$scratch/swapped"
set_phase placed
succeed "$result"
