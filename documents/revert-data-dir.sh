# shellcheck shell=bash
# parts: common data-dir
# Moves the data that an execution has moved aside back into its place. What has taken the place meanwhile is moved aside itself.
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
check "$data_dir"
if [ -n "$wal_dir" ]; then check "$wal_dir"; fi

revert_dir "$data_dir"
if [ -n "$wal_dir" ]; then revert_dir "$wal_dir"; fi
json "$set_aside"
succeed "{\"reverted\":$reverted,\"setAside\":$reply}"
