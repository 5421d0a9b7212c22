# shellcheck shell=bash
# How archive-data-dir, place-restored-data and revert-data-dir look at a data dir and move it: nothing is overwritten, nothing deleted.
# shellcheck disable=SC2317

# examine DIR EXECUTION: where it leads, what is in it, and where the execution's archive lies or would lie. A normal folder is renamed as a
# whole to `sibling`. Of a mount point only the contents can move, into `inside`; while they are on their way, that is `moving`,
# so that half an archive is never taken for a whole one.
# shellcheck disable=SC2034
examine() {
  local execution=$2
  real_path "$1"
  real=$reply parent=$(dirname -- "$reply")
  sibling=$real.$execution inside=$real/archived.$execution
  moving=$inside.moving
  [ -d "$parent" ] || fail 65 "There is no folder $parent, so $1 cannot be a data dir of this host. Check the path."
  if [ -e "$real" ] && [ ! -d "$real" ]; then fail 65 "$real is not a folder. Check the path."; fi
  if [ -d "$real" ] && { [ ! -r "$real" ] || [ ! -x "$real" ]; }; then
    fail 65 "$real cannot be read by $(id -un). Run this as root or as the folder's owner."
  fi
  contents=$(list_contents "$real")
  archive=''
  if [ -e "$inside" ]; then archive=$inside; fi
  if [ -e "$sibling" ]; then
    [ -z "$archive" ] || fail 65 "Both $sibling and $inside exist, so it is not clear which is the archive of $execution. Look at both and rename the wrong one."
    archive=$sibling
  fi
}

# The wal dir that is to be moved by itself; none where it is a part of the data dir's own `member`.
separate_wal_dir() {
  local wal=$2 data_real
  if [ -z "$wal" ]; then reply='' && return; fi
  real_path "$1"
  data_real=$reply
  real_path "$wal"
  case $reply/ in "$data_real"/member/*) reply='' && return ;; esac
  case $reply/ in "$data_real"/*) fail 65 "The wal dir $wal lies in the data dir $1. Move it elsewhere, or move both by hand." ;; esac
  case $wal/ in "$1"/* | "$data_real"/*) fail 65 "The wal dir $wal leads out of the data dir, to $reply, and the link would be moved with the data. Name $reply as the wal dir instead." ;; esac
  case $data_real/ in "$reply"/*) fail 65 "The data dir $1 lies in the wal dir $wal. Check the two paths." ;; esac
  reply=$wal
}

# move FROM TO: TO does not exist.
move() {
  local problem
  if [ -e "$2" ] || [ -L "$2" ]; then fail 65 "$1 cannot be moved to $2, for that exists already. Nothing is ever overwritten: look at both and move one away."; fi
  problem=$(mv -- "$1" "$2" 2>&1) || fail 1 "$1 could not be moved to $2: $problem. When the cause is removed, run this again: it goes on from here."
}

# require_no_collision FROM TO
require_no_collision() {
  local name
  while IFS= read -r name; do
    if [ -n "$name" ] && [ -e "$2/$name" ]; then
      fail 65 "$name is in $1 and in $2: an earlier run was interrupted, and the member has been started since. Look at both and move one away."
    fi
  done <<< "$(list_contents "$1")"
}

# move_contents FROM TO: one by one; an interrupted run goes on.
move_contents() {
  local name
  if [ ! -d "$2" ]; then mkdir -- "$2" && look_like "$1" "$2"; fi
  while IFS= read -r name; do
    if [ -n "$name" ]; then move "$1/$name" "$2/$name"; fi
  done <<< "$(list_contents "$1")"
}

# look_like MODEL FOLDER: gives a folder the owner, group and mode of another.
look_like() {
  local uid gid own_uid own_gid
  # The mode first: whoever owns the folder afterwards could put a link in its place.
  open_like "$1" "$2"
  read -r _ _ uid gid _ <<< "$(ls -ldn -- "$1")"
  read -r _ _ own_uid own_gid _ <<< "$(ls -ldn -- "$2")"
  if [ "$uid:$gid" != "$own_uid:$own_gid" ]; then chown -h -- "$uid:$gid" "$2"; fi
}

# open_like MODEL FOLDER: gives a folder the mode of another.
open_like() {
  local mode own_mode user_may group_may others_may
  read -r mode _ <<< "$(ls -ld -- "$1")"
  read -r own_mode _ <<< "$(ls -ld -- "$2")"
  if [ "${mode:0:10}" = "${own_mode:0:10}" ]; then return; fi
  # Only who may do what: a data dir has no use for the special bits.
  mode=${mode//[st]/x} mode=${mode//[ST]/-}
  user_may=${mode:1:3} group_may=${mode:4:3} others_may=${mode:7:3}
  chmod "u=${user_may//-/},g=${group_may//-/},o=${others_may//-/}" "$2"
}
