# shellcheck shell=bash
# parts: common service data-dir scratch discard raft-log snapshot held-data
# Says that the restored data is kept, and starts the service on it. It is sent once every host has the restored data in place: from the first host on
# that says `kept`, the recovery has to go on. Nothing is started where the restored data has gone since. May be run again.
unit='{{ unit }}'
data_dir='{{ dataDir }}'
wal_dir='{{ walDir }}'
execution='{{ execution }}'
sent_at='{{ sentAt }}'

# What is in the scratch folders has served. What cannot be removed now is told of when the recovery is forgotten.
clean_up() {
  local folder
  find_folders
  for folder in "${folders[@]}"; do
    if [ ! -d "$folder" ] || [ -L "$folder" ]; then continue; fi
    if [ "$folder" = "$scratch" ]; then empty_out "$folder" || true; else remove_folder "$folder" || true; fi
  done
}

require_this_boot
require_loaded
find_data "$data_dir" "$wal_dir"
# Everything that moves data holds this lock.
lock "$(folder_of "$real")"
find_scratch "$data_dir" "$execution"
find_restored_wal
read_phase "$scratch"
case $reply in
  placed | kept) ;;
  *) refuse not-placed 65 "The recovery of $execution is at the word \"$reply\" on this host, and not at \"placed\": its data is not in place, so nothing is started on it. Find out who works on it, and start a new execution once that has ended." ;;
esac
# Its cluster is new, and what was restored has just been put there: nobody has seen more of it.
require_held '' ''
# Where this cannot be written, etcd could write nothing either.
set_phase kept
clean_up
# What is started holds no lock.
exec 9>&-
start
service_state
succeed "{$reply}"
