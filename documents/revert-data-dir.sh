# shellcheck shell=bash
# parts: common data-dir scratch
# Moves the data that an execution has moved aside back into its place. What has taken the place meanwhile is moved aside itself, but for
# what was restored and never started: that goes back into the scratch folder it came from. What was restored and has been started is not touched.
# May be run again after it was interrupted at any point; never overwrites and never deletes.
unit='{{ unit }}'
data_dir='{{ dataDir }}'
wal_dir='{{ walDir }}'
user='{{ user }}'
group='{{ group }}'
execution='{{ execution }}'

reverted=false
set_aside=''

holds_anything() {
  [ -d "$1" ] && [ -n "$(ls -A -- "$1")" ]
}

# Everything that could be refused is refused before anything is moved.
check() {
  local aside
  examine "$1" "$execution"
  if [ -d "$moving" ]; then require_no_collision "$moving" "$real"; return; fi
  case $archive in
    '') return ;;
    "$sibling") if ! holds_anything "$real"; then return; fi ;;
    *)
      if [ -d "$inside.set-aside.moving" ]; then require_no_collision "$real" "$inside.set-aside.moving"; fi
      if [ -z "$contents" ]; then return; fi
      ;;
  esac
  aside=$archive.set-aside
  if [ -e "$aside" ]; then
    fail 65 "$real has data that would have to give way to $archive, but $aside exists already from an earlier run. Look at both and move one away."
  fi
}

revert_dir() {
  local aside
  examine "$1" "$execution"
  aside=${archive:-$sibling}.set-aside
  if [ ! -d "$moving" ] && [ "$archive" = "$sibling" ]; then
    if holds_anything "$real"; then move "$real" "$aside"; elif [ -d "$real" ]; then rmdir -- "$real"; fi
    move "$archive" "$real"
    reverted=true
  elif [ -d "$moving" ] || [ -n "$archive" ]; then
    aside=$inside.set-aside
    if [ ! -d "$moving" ]; then
      if [ -n "$contents" ]; then move_contents "$real" "$aside.moving"; fi
      if [ -d "$aside.moving" ]; then move "$aside.moving" "$aside"; fi
      # From here on what is in the folder and what is still in the archive belong together.
      move "$inside" "$moving"
    fi
    move_contents "$moving" "$real"
    rmdir -- "$moving"
    reverted=true
  fi
  if [ -z "$set_aside" ] && [ -e "$aside" ]; then set_aside=$aside; fi
}

# was_used DIR: whether anything was written there since it was placed.
was_used() {
  real_path "$1"
  [ -n "$(find "$reply" -name 'archived.*' -prune -o -type f -newer "$scratch/archives" -print)" ]
}

# Undoes a place-restored-data, wherever that was interrupted.
take_back() {
  if [ -f "$scratch/archives" ] && { was_used "$data_dir" || { [ -n "$wal_dir" ] && was_used "$wal_dir"; }; }; then
    examine "$data_dir" "$execution"
    fail 66 "The member has been started with what $execution has restored into $real, and may have taken writes since. The older data lies in ${archive:-no archive, for there was none}. Decide which is worth keeping. If it is what is there now: remove $scratch. If it is the older data: move what is there away by hand, then run this again."
  fi
  # As long as this word is there, nobody takes the member for one that was placed, nor for one where nothing was moved.
  set_phase moving
  rm -f -- "$scratch/restored"
  if [ ! -f "$scratch/archives" ]; then return; fi
  real_path "$data_dir"
  move_contents "$reply" "$scratch/data"
  if [ -n "$wal_dir" ]; then
    real_path "$wal_dir"
    move_contents "$reply" "$wal_scratch/wal"
  fi
  rm -f -- "$scratch/archives"
  reverted=true
}

real_path "$data_dir"
lock "$(dirname -- "$reply")"
require_stopped 'its data is moved'
own=$(id -un)
case $own in
  root | "$user") ;;
  *) fail 65 "This runs as $own, who cannot move what belongs to $user:$group. Run it as root." ;;
esac
separate_wal_dir "$data_dir" "$wal_dir"
wal_dir=$reply
if [ -n "$wal_dir" ]; then find_scratch "$wal_dir" "$execution" && wal_scratch=$scratch; fi
find_scratch "$data_dir" "$execution"
read_phase "$scratch"
phase=$reply
case $phase in
  moving | placed) take_back ;;
  # So that a command which still runs elsewhere can place nothing any more.
  restored) rm -f -- "$scratch/restored" ;;
esac
check "$data_dir"
if [ -n "$wal_dir" ]; then check "$wal_dir"; fi

revert_dir "$data_dir"
if [ -n "$wal_dir" ]; then revert_dir "$wal_dir"; fi
case $phase in moving | placed) set_phase restored ;; esac
json "$set_aside"
succeed "{\"reverted\":$reverted,\"setAside\":$reply}"
