# shellcheck shell=bash
# How archive-data-dir and place-restored-data move a member's data aside under the execution's name, and leave an empty folder.
# shellcheck disable=SC2317

# Everything that could be refused is refused before anything is moved.
# require_archivable DIR KIND: `data` or `wal`.
require_archivable() {
  local path=$1 kind=$2 name foreign='' uid own
  examine "$path" "$execution"
  while IFS= read -r name; do
    case $kind:$name in
      *: | data:member | data:proxy | wal:*.wal | wal:*.tmp | wal:*.broken) ;;
      *) foreign+=" $name" ;;
    esac
  done <<< "$contents"
  [ -z "$foreign" ] || fail 65 "$real is no $kind dir of etcd alone, for this is in it too:${foreign:0:400}. Check the path, or move what is not etcd's elsewhere."
  if [ -d "$moving" ]; then
    require_no_collision "$real" "$moving"
  elif [ -n "$archive" ] && [ -n "$contents" ]; then
    fail 65 "$archive holds what $execution has moved aside, but $real has data again: the member has been started since. Decide which is worth keeping, and move the other one away."
  fi
  # A database that is open is locked by its process: another service than the unit's then runs on this data.
  if [ -f "$real/member/snap/db" ] && command -v flock > /dev/null && ! flock -n -s "$real/member/snap/db" true; then
    fail 66 "$real/member/snap/db is in use although the unit $unit is stopped. Find the process that runs on this data before it is moved."
  fi
  uid=$(id -u -- "$user" 2> /dev/null) || fail 65 "There is no user $user on this host, so an empty $real cannot be made for it. Check the user's name."
  own=$(id -u)
  if [ "$own" != 0 ] && [ "$own" != "$uid" ]; then
    fail 65 "$real has to belong to $user, but this runs as $(id -un), who cannot make a folder for somebody else. Run it as root."
  fi
}

# The empty data dir is etcd's, whoever owned the old one: a wrong owner may be the very reason why the member did not start.
give_to_etcd() {
  local owner now problem
  read -r _ _ owner now _ <<< "$(ls -ld -- "$real")"
  if [ "$owner:$now" = "$user:$group" ]; then return; fi
  problem=$(chown -h -- "$user:$group" "$real" 2>&1) ||
    fail 1 "$real cannot be given to $user:$group: $problem. Check the names of the user and the group, then run this again."
}

# Leaves in `reply` where the data lies now.
archive_dir() {
  examine "$1" "$execution"
  if [ -d "$moving" ] || { [ -n "$contents" ] && { is_mount_point "$real" || [ ! -w "$parent" ]; }; }; then
    move_contents "$real" "$moving"
    move "$moving" "$inside"
    archive=$inside
  elif [ -n "$contents" ]; then
    move "$real" "$sibling"
    archive=$sibling
  fi
  if [ ! -d "$real" ]; then mkdir -m 700 -- "$real"; fi
  if [ "$archive" = "$sibling" ]; then open_like "$archive" "$real"; fi
  give_to_etcd
  reply=$archive
}
