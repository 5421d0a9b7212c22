# shellcheck shell=bash
# Where a recovery works on a host: a folder beside the data dir, on the same file system, that only this project makes and removes.
# shellcheck disable=SC2317

need mkdir mv rm sync

# find_scratch DIR EXECUTION: leaves the folder's path in `scratch`. It has the data dir's name in it, for another cluster's may lie beside. A mount point's neighbours lie on another file system, so there it
# is inside; etcd does not look at it. A backup that was fetched is in "$scratch.backup": the same host may have salvaged data, too.
# shellcheck disable=SC2034
find_scratch() {
  local parent
  real_path "$1"
  parent=$(folder_of "$reply")
  if [ -d "$reply" ] && { is_mount_point "$reply" || [ ! -w "$parent" ]; }; then
    scratch=$reply/archived.$2.scratch
  else
    scratch=$parent/.etcd-remediation.$(name_of "$reply").$2
  fi
}

# find_restored_wal: `restored_wal`, the folder to restore the WAL to. A rename moves it into its place: it is in the scratch folder, or, if the wal dir
# is outside of the data dir, in `wal_scratch` beside the wal dir. Needs find_data and find_scratch.
# shellcheck disable=SC2034,SC2154
find_restored_wal() {
  local own=$scratch
  wal_scratch=$scratch restored_wal=$scratch/data/member/wal
  if [ -z "$wal_dir" ]; then return 0; fi
  real_path "$wal_dir"
  case $reply/ in
    "$real"/*) restored_wal=$scratch/data${reply#"$real"} ;;
    *)
      find_scratch "$wal_dir" "$execution"
      wal_scratch=$scratch restored_wal=$scratch/wal scratch=$own
      ;;
  esac
}

# make_scratch FOLDER: for nobody else's eyes.
make_scratch() {
  local problem
  if [ -L "$1" ] || { [ -e "$1" ] && [ ! -d "$1" ]; }; then refuse scratch-no-folder 65 "$1 is no folder, but only a recovery's own folder may be there. Look at it and move it away."; fi
  if [ -d "$1" ]; then return 0; fi
  problem=$(mkdir -m 700 -- "$1" 2>&1) || refuse scratch-impossible 65 "The folder $1 cannot be made by mkdir, where the recovery would work: $problem. Check the path, the disk, and that this runs as root."
}

# What a backup leaves free beside a member that runs: two files of its log.
# shellcheck disable=SC2034
least_free_bytes=536870912

# give_way: the host's own member goes first, whatever a backup or a rehearsal is at.
give_way() {
  renice -n 19 -p "$$" > /dev/null 2>&1 || true
  ionice -c 3 -p "$$" > /dev/null 2>&1 || true
}

# A backup at work touches its folder more often: to send one part takes an hour at most.
# shellcheck disable=SC2034
backup_untouched_minutes=75

# is_abandoned FOLDER MINUTES: that nothing in it was changed for so long, and nobody holds its lock. find has to name the folder as an old one: its
# silence is no answer.
is_abandoned() {
  local old young
  old=$(find "$1" -prune -mmin "+$2" -print) || return 1
  young=$(find "$1" -mmin "-$2" -print) || return 1
  if [ "$old" != "$1" ] || [ -n "$young" ]; then return 1; fi
  if has_flock; then flock -n "$1" true; fi
}

# require_free FOLDER BYTES WHAT_FOR
require_free() {
  read_disk "$1"
  if [ "$free_bytes" -lt "$2" ]; then
    refuse no-room 65 "The disk of $1 has $free_bytes bytes free, and $3 takes about $2. Make room there, then run this again."
  fi
}

# How far the recovery has come on this host, as a word in the scratch folder: `restored` (nothing was moved so far), `moving`,
# `placed` (the restored data is in the data dir's place), or `kept` (so it is on every host). When the folder is gone, the recovery is over.
# Beside it, `restored` says that a restore has ended, its result and what it was made with. `archives` says where the old data was moved to:
# from then on the data dir holds the new data.
# set_phase WORD: written whole or not at all, even if the power fails. The same word is not written again: the disk may be full.
set_phase() {
  read_phase "$scratch"
  if [ "$reply" = "$1" ]; then return; fi
  { printf '%s\n' "$1" > "$scratch/phase.new" && { sync -- "$scratch/phase.new" 2> /dev/null || sync; } && mv -f -- "$scratch/phase.new" "$scratch/phase"; } ||
    fail 1 "The word \"$1\" could not be written to $scratch/phase: printf, sync or mv failed, and what is printed on standard error may say why. See whether the disk is full, then run this again."
  read_phase "$scratch"
  [ "$reply" = "$1" ] || fail 1 "The word \"$1\" was written to $scratch/phase, and \"$reply\" is read from it. See whether the disk is sound, then run this again."
}

# read_phase SCRATCH: in `reply`, empty where there is none. Where the word cannot be read any more, it is unknown what is in which place, as in
# the middle of a move.
read_phase() {
  reply=''
  if [ -f "$1/phase" ]; then read -r reply < "$1/phase" || true; fi
  case $reply in restored | moving | placed | kept) return ;; esac
  reply=''
  if [ -e "$1/phase" ] || [ -e "$1/restored" ] || [ -e "$1/archives" ]; then reply=moving; fi
}
