# shellcheck shell=bash
# How a recovery's scratch folders are removed. Needs find_data, find_scratch and find_restored_wal.
# shellcheck disable=SC2317

need rm

# find_folders: all of the execution's, in `folders`. The data dir's own goes last, for the other ones are found by it.
# shellcheck disable=SC2034,SC2154
find_folders() {
  folders=("$scratch.backup" "$scratch")
  if [ "$wal_scratch" != "$scratch" ]; then folders=("$wal_scratch" "${folders[@]}"); fi
}

# empty_out FOLDER: all but `phase`. Returns 1 and leaves the problem in `reply` where something stays.
empty_out() {
  local entry
  for entry in "$1/restored" "$1"/* "$1"/.[!.]* "$1"/..?*; do
    if [ "${entry##*/}" = phase ] || { [ ! -e "$entry" ] && [ ! -L "$entry" ]; }; then continue; fi
    reply=$(rm -rf -- "$entry" 2>&1) || { reply="$entry could not be removed by rm: ${reply:0:300}" && return 1; }
  done
}

# remove_folder FOLDER: as empty_out. `phase` goes last, for it is by that word that an interrupted removal is found.
remove_folder() {
  empty_out "$1" || return 1
  reply=$(rm -rf -- "$1" 2>&1) || { reply="$1 could not be removed by rm: ${reply:0:300}" && return 1; }
}
