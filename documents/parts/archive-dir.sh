# shellcheck shell=bash
# How archive-data-dir and swap-data-dir move a member's data aside under the execution's name.
# shellcheck disable=SC2317

need mv mkdir rmdir chown id

# A database that is open is locked by its process: another service than the unit's then runs on this data.
require_closed() {
  if [ -f "$member/snap/db" ] && has_flock && ! flock -n -s "$member/snap/db" true; then
    refuse database-in-use 66 "$member/snap/db is in use although the unit $unit is stopped: flock does not get it. Find the process that runs on this data before it is moved."
  fi
}

# require_unarchived FOLDER
require_unarchived() {
  if is_filled "$1" && [ -e "$1.$execution" ]; then
    refuse data-again 65 "$1.$execution is what $execution has moved aside, but $1 has data again: the member has been started since. Decide which is worth keeping, and move the other one away."
  fi
}

# What can be refused while the service still runs.
require_movable() {
  require_data_dir
  require_wal_dir "$wal_dir"
  require_nothing_inside
  require_account
  require_unarchived "$member"
  if [ -n "$wal" ]; then require_unarchived "$wal"; fi
}

# Everything that could be refused is refused before anything is moved.
require_archivable() {
  require_movable
  require_closed
}

# may_write FOLDER: whether `user` may, by its mode. Where there are further rules (an ACL, shown as +), nobody knows.
may_write() {
  local own groups bits
  { own=$(id -u -- "$user") && groups=$(id -G -- "$user"); } || fail 1 "id does not say which groups $user is in. Run \"id $user\" to see why, then run this again."
  read_owner "$1"
  if [ "$own" = 0 ] || [ "${owner_mode:10:1}" = + ]; then return 0; fi
  bits=${owner_mode:8:1}
  case " $groups " in *" $owner_gid "*) bits=${owner_mode:5:1} ;; esac
  if [ "$owner_uid" = "$own" ]; then bits=${owner_mode:2:1}; fi
  [ "$bits" = w ]
}

# set_aside FOLDER: leaves in `reply` where it is now; empty where there was nothing. An empty folder goes as well, so that an undo finds it.
set_aside() {
  if [ -e "$1" ] || [ -L "$1" ]; then
    if [ -e "$1.$execution" ] && ! is_filled "$1"; then rmdir -- "$1"; else move "$1" "$1.$execution"; fi
  fi
  reply=''
  if [ -e "$1.$execution" ]; then reply=$1.$execution; fi
}

# archive_data: leaves in `reply` where all is now, as JSON. The data dir is left to a user who may write there, whoever owned it: a wrong
# owner may be the very reason why the member did not start.
archive_data() {
  local archived problem
  set_aside "$member"
  json "$reply" && archived=$reply
  reply=''
  if [ -n "$wal" ]; then set_aside "$wal"; fi
  json "$reply"
  archived="{\"dataDir\":$archived,\"walDir\":$reply}"
  if [ ! -d "$real" ]; then mkdir -m 700 -- "$real"; fi
  if ! may_write "$real"; then
    problem=$(chown -h -- "$user:$group" "$real" 2>&1) || fail 1 "$real cannot be given to $user:$group by chown: $problem. When the cause is removed, run this again."
  fi
  reply=$archived
}

# etcd begins a log in a folder beside the wal dir, which it then renames to the wal dir's name; so it does only where it starts empty.
# require_new_log PATH: the wal dir as it is configured.
require_new_log() {
  local path=${1%/}
  if [ -z "$wal" ]; then return 0; fi
  if [ -L "$path" ]; then refuse wal-dir-link 65 "The wal dir $path is a link to $wal, and etcd replaces it by a folder when it begins a new log, which is then on another disk. Name $wal as the wal dir instead, in etcd's configuration as well."; fi
  if [ -d "$(folder_of "$wal")" ] && ! may_write "$(folder_of "$wal")"; then
    refuse wal-dir-parent-closed 65 "$user may not write in $(folder_of "$wal"), where etcd makes a folder $(name_of "$wal").tmp when it begins a new log. Give that folder to $user, or name another wal dir."
  fi
}
