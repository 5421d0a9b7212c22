# shellcheck shell=bash
# parts: common data-dir scratch
# Removes the execution's scratch folders: what was placed stays in its place, what was not is gone. May be run again.
data_dir='{{ dataDir }}'
wal_dir='{{ walDir }}'
execution='{{ execution }}'

discarded=false

# discard FOLDER: `phase` goes last, for it is by that word that an interrupted removal is found.
discard() {
  local entry problem
  if [ ! -d "$1" ]; then return; fi
  rm -f -- "$1/restored"
  for entry in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    if [ "${entry##*/}" = phase ] || { [ ! -e "$entry" ] && [ ! -L "$entry" ]; }; then continue; fi
    problem=$(rm -rf -- "$entry" 2>&1) || fail 1 "$entry could not be removed: ${problem:0:300}. When the cause is removed, run this again."
  done
  problem=$(rm -rf -- "$1" 2>&1) || fail 1 "$1 could not be removed: ${problem:0:300}. When the cause is removed, run this again."
  discarded=true
}

separate_wal_dir "$data_dir" "$wal_dir"
find_scratch "${reply:-$data_dir}" "$execution" && wal_scratch=$scratch
find_scratch "$data_dir" "$execution"
# The data dir's own goes last, for the other ones are found by it.
folders=("$scratch.backup" "$scratch")
if [ "$wal_scratch" != "$scratch" ]; then folders=("$wal_scratch" "${folders[@]}"); fi
for folder in "${folders[@]}"; do
  if [ -L "$folder" ]; then fail 65 "$folder is a link, which no recovery makes. Look at where it leads, and remove the link."; fi
done
read_phase "$scratch"
if [ "$reply" = moving ]; then
  fail 65 "The data on this host was being moved when $execution was interrupted, and what belongs in its place may lie in $scratch. Run revert-data-dir of $execution first."
fi
for folder in "${folders[@]}"; do
  if [ ! -d "$folder" ]; then continue; fi
  lock "$folder"
  discard "$folder"
done
succeed "{\"discarded\":$discarded}"
