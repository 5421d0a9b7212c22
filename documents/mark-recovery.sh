# shellcheck shell=bash
# parts: common data-dir scratch discard
# Removes the execution's scratch folders, where the data has come as far as it must have for that: `undo` where nothing is in place; `commit` where
# what was restored is, of which the word `kept` stays, that every host has it; `forget` where nobody needs that word any more. May be run again.
data_dir='{{ dataDir }}'
wal_dir='{{ walDir }}'
outcome='{{ outcome }}'
execution='{{ execution }}'

discarded=false

# remove_backup: a backup moves no data, so nobody who does is kept waiting while its copy is removed. What has made the copy may have been cancelled a moment
# ago, and be about to end. The word `backup` goes last, by which the next one finds what is left.
remove_backup() {
  local problem
  lock "$scratch" 9 20
  problem=$({ rm -rf -- "$scratch"/[!b]* && rm -rf -- "$scratch"; } 2>&1) || fail 1 "$scratch could not be removed by rm: ${problem:0:300}. When the cause is removed, run this again."
  succeed '{"discarded":true}'
}

find_data "$data_dir" "$wal_dir"
find_scratch "$data_dir" "$execution"
if [ "$outcome" = undo ] && [ ! -L "$scratch" ] && [ -e "$scratch/backup" ]; then remove_backup; fi
# Everything that moves data holds this lock. Several recoveries may be forgotten on a host at the same time.
if [ -d "$(folder_of "$real")" ]; then lock "$(folder_of "$real")" 8 20; fi
find_restored_wal
find_folders
for folder in "${folders[@]}"; do
  if [ -L "$folder" ]; then refuse scratch-link 65 "$folder is a link, which no recovery makes. Look at where it leads, and remove the link."; fi
done
read_phase "$scratch"
phase=$reply
case $outcome:$phase in
  undo: | undo:restored | commit: | commit:placed | commit:kept | forget: | forget:kept) ;;
  undo:moving | undo:placed)
    refuse not-reverted 65 "The recovery of $execution is at the word \"$phase\" on this host, and what belongs in its place may lie in $scratch or aside. Run revert-data-dir of $execution first."
    ;;
  *) refuse other-phase 65 "The recovery of $execution is in the phase \"$phase\" on this host, so \"$outcome\" is not the next one: another person or program works on it. Find out who, and start a new execution once that has ended." ;;
esac
case $outcome:$phase in
  commit:) succeed '{"discarded":false}' ;;
  # The word comes first: from here on members may be started.
  commit:placed)
    set_phase kept
    discarded=true
    ;;
esac
for folder in "${folders[@]}"; do
  if [ ! -d "$folder" ]; then continue; fi
  lock "$folder"
  if [ "$outcome:$folder" = "commit:$scratch" ]; then
    empty_out "$folder" || fail 1 "$reply. When the cause is removed, run this again."
  else
    remove_folder "$folder" || fail 1 "$reply. When the cause is removed, run this again."
    discarded=true
  fi
done
succeed "{\"discarded\":$discarded}"
