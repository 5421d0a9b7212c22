# shellcheck shell=bash
# Moves the data of a stopped member aside under the execution's name, and leaves an empty data dir. May be run again after it was
# interrupted at any point; never overwrites and never deletes.
unit='{{ unit }}'
data_dir='{{ dataDir }}'
wal_dir='{{ walDir }}'
user='{{ user }}'
group='{{ group }}'
execution='{{ execution }}'

# Everything that could be refused is refused before anything is moved.
check() {
  local path=$1 kind=$2 name foreign='' uid=''
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
  if [ -d "$real" ]; then require_owner "$real"
  elif [ -n "$archive" ]; then require_owner "$archive"
  else
    uid=$(id -u -- "$user" 2> /dev/null) || fail 65 "There is no user $user on this host, so an empty $real cannot be made for it. Check the user's name."
    require_identity "$uid" "$real"
  fi
}

require_owner() {
  local uid
  read -r _ _ uid _ <<< "$(ls -ldn -- "$1")"
  require_identity "$uid" "$1"
}

require_identity() {
  local own
  own=$(id -u)
  if [ "$own" != 0 ] && [ "$own" != "$1" ]; then
    fail 65 "$2 belongs to the user with ID $1, but this runs as $(id -un), who cannot make a folder for that one. Run it as root."
  fi
}

make_empty() {
  local problem
  mkdir -m 700 -- "$real"
  if [ "$(id -un):$(id -gn)" = "$user:$group" ]; then return; fi
  if ! problem=$(chown -- "$user:$group" "$real" 2>&1); then
    rmdir -- "$real"
    fail 65 "An empty $real cannot be made for $user:$group: $problem. Check the names of the user and the group."
  fi
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
  if [ "$archive" = "$sibling" ]; then
    if [ ! -d "$real" ]; then mkdir -m 700 -- "$real"; fi
    look_like "$archive" "$real"
  elif [ ! -d "$real" ]; then
    make_empty
  fi
  reply=$archive
}

real_path "$data_dir"
lock "$(dirname -- "$reply")"
require_stopped 'its data is moved'
separate_wal_dir "$data_dir" "$wal_dir"
wal_dir=$reply
check "$data_dir" data
if [ -n "$wal_dir" ]; then check "$wal_dir" wal; fi

archive_dir "$data_dir"
json "$reply" && data_archive=$reply
reply=''
if [ -n "$wal_dir" ]; then archive_dir "$wal_dir"; fi
json "$reply"
succeed "{\"dataDir\":$data_archive,\"walDir\":$reply}"
