# shellcheck shell=bash
# Where etcd keeps its data, and how it is moved: a folder of etcd's own is renamed to its name with the execution's behind it, beside itself. That
# is `member` in the data dir, and the wal dir where it is elsewhere. So it is one rename on one file system, whatever the data dir is: a
# mount point, or a folder that holds others' files, which stay where they are. Nothing is overwritten, nothing deleted.
# shellcheck disable=SC2317

need du mv id

# find_data DATA_DIR WAL_DIR: where they lead: the data dir `real`, the `member` in it, and `wal`, which is empty where it is a part of `member`.
# shellcheck disable=SC2034
find_data() {
  real_path "$1"
  real=$reply member=$reply/member wal=''
  if [ -z "$2" ]; then return 0; fi
  real_path "$2"
  case $reply/ in "$member"/*) return 0 ;; esac
  wal=$reply
}

# is_filled FOLDER: an empty folder is none.
is_filled() {
  local contents
  if [ ! -d "$1" ]; then
    [ -e "$1" ] || [ -L "$1" ]
    return
  fi
  contents=$(ls -A -- "$1" 2>&1) || fail 1 "ls cannot say whether $1 is empty: ${contents:0:300}. See whether the disk is sound, then run this again."
  [ -n "$contents" ]
}

# disk_use PATH: how many kilobytes it takes, in `reply`. Files of a running member come and go while du counts them.
disk_use() {
  reply=$({ du -sk -- "$1" 2> /dev/null || true; } | awk '{ kilobytes = $1 } END { print kilobytes }') || reply=''
  case $reply in '' | *[!0-9]*) if [ -e "$1" ]; then fail 1 "du does not say how much $1 takes. See whether the disk is sound, then run this again."; fi ;; esac
  number "$reply"
}

# require_folder PATH WHAT: that it is a folder that can be read, or could be made.
require_folder() {
  [ -d "$(folder_of "$1")" ] || refuse "$2-nowhere" 65 "The folder $(folder_of "$1") does not exist, so $1 cannot be a $2 of this host. Check the path."
  if [ -e "$1" ] && [ ! -d "$1" ]; then refuse "$2-no-folder" 65 "$1 is not a folder. Check the path of the $2."; fi
  if [ -d "$1" ] && { [ ! -r "$1" ] || [ ! -x "$1" ]; }; then
    refuse "$2-unreadable" 65 "$1 cannot be read by $(id -un). Run this as root or as the folder's owner."
  fi
  if [ -d "$1" ] && [ ! -w "$1" ]; then
    refuse "$2-closed" 65 "$(id -un) may not write in $1. See whether its file system is read-only, and that this runs as root or as the folder's owner."
  fi
}

require_data_dir() {
  require_folder "$real" data-dir
  if [ -e "$member" ] && [ ! -d "$member" ]; then refuse member-no-folder 65 "$member is not a folder, and etcd keeps its data in one of that name. Look at what it is."; fi
  if is_mount_point "$member"; then refuse member-mounted 65 "$member is a mount point, which cannot be moved aside. Mount the disk at $real, which etcd knows as its data dir."; fi
  require_changeable "$real" "$member"
  if [ -e "$real/proxy" ]; then refuse data-dir-of-proxy 65 "$real/proxy is what etcd's old v2 proxy leaves, and etcd starts no member beside it. Check the path, or move it away."; fi
}

# list_mounts FOLDER PATH FILE...: what is mounted in FOLDER, or where it is written in /etc/fstab would be, in words in `reply`; empty where nothing is. PATH is
# how FOLDER is configured, for /etc/fstab may call it so. A mount point that is FOLDER itself is only told of by /etc/fstab. Both files write a space as \040.
list_mounts() {
  local folder=${1%/} path=${2%/} file files=()
  shift 2
  reply=''
  for file in "$@"; do
    if [ -r "$file" ]; then files+=("$file"); fi
  done
  if [ -e /proc/self ] && [ ! -r /proc/self/mountinfo ]; then fail 1 "/proc/self/mountinfo cannot be read, so what is mounted in $folder is unknown. Run this as root."; fi
  if [ "${#files[@]}" = 0 ]; then return 0; fi
  reply=$(folder=$folder path=$path awk '
    function plain(text,   out) {
      while (match(text, /\\[0-7][0-7][0-7]/)) {
        out = out substr(text, 1, RSTART - 1) sprintf("%c", substr(text, RSTART + 1, 1) * 64 + substr(text, RSTART + 2, 1) * 8 + substr(text, RSTART + 3, 1))
        text = substr(text, RSTART + 4)
      }
      return out text
    }
    function add(text) { if (++count <= 3) found = found (count > 1 ? "; " : "") text }
    BEGIN { folder = ENVIRON["folder"]; path = ENVIRON["path"] }
    FILENAME ~ /mountinfo$/ {
      at = plain($5)
      if (at == folder) seen[at] = 1
      if (index(at, folder "/") != 1 || at in seen) next
      seen[at] = 1
      for (i = 7; i < NF && $i != "-"; i++) { }
      add(plain($(i + 2)) " is mounted at " at)
      next
    }
    $1 !~ /^#/ && NF > 1 {
      at = plain($2)
      sub(/\/+$/, "", at)
      if (index(at "/", path "/") == 1) at = folder substr(at, length(path) + 1)
      if (index(at "/", folder "/") == 1 && !(at in seen)) add("/etc/fstab mounts " plain($1) " at " at)
    }
    END { print found (count > 3 ? "; and " count - 3 " more" : "") }' "${files[@]}")
}

# What to do about a disk inside of what is moved aside.
own_disk="A log on a disk of its own has to be etcd's wal-dir. Stop etcd, and mount the disk outside of the data dir. Name a folder on it as etcd's wal-dir and as walDir in clusters.json"

# require_unmounted FOLDER [PATH]: that nothing is mounted in what is moved; with PATH, that /etc/fstab mounts nothing there either.
require_unmounted() {
  list_mounts "$1" "${2:-$1}" /proc/self/mountinfo ${2:+/etc/fstab}
  [ -z "$reply" ] || refuse mounted-inside 65 "$reply. $1 is moved aside, and a mount in it goes along. The new member's data would be on the disk around it. With the next mount etcd would find the old data again. $own_disk. Otherwise copy what is on the disk to where it is mounted, and remove the mount, from /etc/fstab as well."
}

# require_nothing_inside: that what is moved aside is in one piece, so that all of it is moved, and the same place takes what is new.
require_nothing_inside() {
  local entry
  require_unmounted "$member" "${data_dir%/}/member"
  if [ -n "$wal" ]; then require_unmounted "$wal" "$wal_dir"; fi
  for entry in "$member" "$member/wal" "$member/snap" "$member/snap/db"; do
    if [ -L "$entry" ]; then
      refuse link-inside 65 "$entry is a link to $(readlink "$entry"). $member is moved aside with the link, and the new member's data would lie on the disk of $real. $own_disk. Otherwise move what it leads to into the place of the link."
    fi
  done
}

# require_wal_dir PATH: the wal dir as it is configured. What etcd finds in it when it begins a log it removes, so nothing else may live there.
require_wal_dir() {
  local entry foreign=''
  if [ -z "$wal" ]; then return 0; fi
  require_folder "$wal" wal-dir
  case $real/ in "$wal"/*) refuse wal-dir-holds-data-dir 65 "The wal dir $1 holds the data dir $real, and etcd removes all that is in its wal dir when it begins a new log. Give each a folder of its own." ;; esac
  case $1/ in "$member"/* | "$data_dir"/member/*) refuse wal-dir-leaves-member 65 "The wal dir $1 leads out of $member, to $wal, and the link is moved with $member. Name $wal as the wal dir instead." ;; esac
  if is_mount_point "$wal"; then refuse wal-dir-mounted 65 "The wal dir $wal is a mount point: etcd cannot begin a log there, for it renames a folder to that name. Name a folder on that disk as the wal dir."; fi
  require_changeable "$(folder_of "$wal")" "$wal"
  for entry in "$wal"/* "$wal"/.[!.]* "$wal"/..?*; do
    if [ ! -e "$entry" ] && [ ! -L "$entry" ]; then continue; fi
    case ${entry##*/} in *.wal | *.tmp | *.broken) ;; *) foreign+=" ${entry##*/}" ;; esac
  done
  [ -z "$foreign" ] || refuse wal-dir-foreign 65 "The wal dir $wal holds what is not etcd's:${foreign:0:400}. etcd empties its wal dir when it begins a new log. Move these elsewhere, or check the path."
}

# require_account: that `user` and `group` exist, and files can be given to them.
# shellcheck disable=SC2154
require_account() {
  local own uid
  uid=$(id -u -- "$user" 2> /dev/null) || refuse user-missing 65 "This host has no user $user (id does not know it), so no file can be given to it. Check the name of etcd's user."
  if command -v getent > /dev/null && ! getent group "$group" > /dev/null; then
    refuse group-missing 65 "This host has no group $group, so no file can be given to it. Check the name of etcd's group."
  fi
  own=$(id -u)
  if [ "$own" != 0 ] && [ "$own" != "$uid" ]; then
    refuse not-root 65 "This runs as $(id -un), who cannot work with what belongs to $user:$group. Run it as root."
  fi
}

# move FROM TO: TO does not exist.
move() {
  local problem
  if [ -e "$2" ] || [ -L "$2" ]; then refuse target-exists 65 "$1 cannot be moved to $2, for that exists already. Nothing is ever overwritten: look at both and move one away."; fi
  problem=$(mv -- "$1" "$2" 2>&1) || fail 1 "$1 could not be moved to $2: mv said: $problem. When the cause is removed, run this again: it goes on from here."
}
