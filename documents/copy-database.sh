# shellcheck shell=bash
# parts: common data-dir raft-log scratch snapshot transfer
# Copies the database of a member that runs, as it was at one moment, into the scratch folder: compressed, with a SHA-256 behind it, as `snapshot save`
# makes one. Somebody keeps a snapshot of that moment open meanwhile: so long etcd writes into no page that it reaches. The first two pages
# are not in the file any more, for each write replaces one of them, so these are given. Without them nothing is copied: it is only asked for what
# would be refused. The data is only read. May be run again.
data_dir='{{ dataDir }}'
wal_dir='{{ walDir }}'
execution='{{ execution }}'
cluster_id='{{ clusterId }}'
member_id='{{ memberId }}'
metas='{{ metas }}'
inode='{{ inode }}'
url='{{ url }}'

need cat dd find gzip head mkfifo rm sleep tail tee tr wc

# What etcd itself may need before the copy is sent: two files of its log, what its database grows by, and a part that is cut out of the copy.
reserve_bytes=1073741824

meta_bytes=64 header_bytes=16
removed='' kept='' copying='' scratch=''

# clean_up: unless all is done, nothing stays.
clean_up() {
  stop_copy
  if [ -z "$kept" ]; then cd / && rm -rf -- "$scratch"; fi
}

# stop_copy: what copies is ended, and with that all that reads from it or writes to it.
stop_copy() {
  local copier=''
  if [ -z "$copying" ]; then return 0; fi
  if [ -f "$scratch/copier" ]; then read -r copier < "$scratch/copier" || true; fi
  if [ -n "$copier" ]; then kill "$copier" 2> /dev/null || true; fi
  wait "$copying" 2> /dev/null || true
  copying=''
}

# number_at META OFFSET BYTES: of a meta in hex, the lowest byte first, in `reply`.
number_at() {
  local digits=${1:$((2 * $2)):$((2 * $3))} at number=0
  for ((at = 2 * $3 - 2; at >= 0; at -= 2)); do number=$((number << 8 | 16#${digits:at:2})); done
  reply=$number
}

# find_inode: of the database, in `reply`; where that is a link, of the file that it leads to, which etcd has open.
find_inode() {
  local said
  said=$(ls -diL -- "$database") || said=''
  read -r reply _ <<< "$said"
  case $reply in '' | *[!0-9]*) fail 1 "ls does not say which file $database is. See whether it is there, then run this again." ;; esac
}

# read_meta OFFSET: the meta that the file has there, in hex, in `reply`.
read_meta() {
  reply=$(od -An -v -tx1 -j "$(($1 + header_bytes))" -N "$meta_bytes" < "$database" | tr -d ' \n') ||
    fail 1 "od and tr cannot read $database. See whether the disk is sound and this runs as root, then run this again."
}

# That the data is this member's: the log was begun by it, in this cluster.
require_own_data() {
  [ -f "$database" ] || refuse database-missing 65 "The database $database does not exist. See whether \"dataDir\" of this member's layout in clusters.json is right."
  if [ ! -r "$database" ]; then refuse data-unreadable 65 "$database cannot be read by $(id -un). Run this as root."; fi
  read_cluster "$log_dir"
  [ -n "$reply" ] || fail 1 "The log in $log_dir does not say whose it is, as far as od and awk can read it. See whether \"dataDir\" and \"walDir\" of this member's layout in clusters.json are right, and its disk is sound."
  [ "$log_member $reply" = "$member_id $cluster_id" ] ||
    refuse other-data 65 "The data in $real is not that of the member which answers: its log is of member $log_member of the cluster $reply, and who answers is member $member_id of the cluster $cluster_id. Correct \"host\", \"dataDir\" or \"walDir\" of this member in clusters.json."
}

# One at a time on a host, and none beside a recovery, which needs the disk for itself. To give way to another backup is an end like another, and no
# failure. What a backup has left that was cut off goes.
require_no_other() {
  local folder prefix name
  prefix=$(folder_of "$real")/.etcd-remediation.$(name_of "$real").
  for folder in "$prefix"* "$real"/archived.*.scratch "$real"/archived.*.scratch.backup; do
    if [ ! -d "$folder" ] || [ -L "$folder" ] || [ "$folder" = "$scratch" ]; then continue; fi
    # Another dot is of the data dir of another cluster, whose name begins with this one's.
    name=${folder#"$prefix"} name=${name##*/archived.} name=${name%.backup}
    case ${name%.scratch} in *.*) continue ;; esac
    if [ ! -e "$folder/backup" ]; then
      read_phase "$folder"
      case $reply in
        restored | moving | placed) ;;
        *) if ! has_flock || flock -n "$folder" true; then continue; fi ;;
      esac
      refuse recovery-at-work 65 "A recovery or a rehearsal works in $folder on this host, so nothing is copied beside it. Back up once it has ended."
    fi
    if ! is_abandoned "$folder" "$backup_untouched_minutes"; then
      json "Another backup works in $folder on this host, or was cut off less than $backup_untouched_minutes minutes ago, so nothing is copied beside it. Back up once it has ended."
      succeed "{\"gaveWay\":$reply}"
    fi
    rm -rf -- "$folder"
    json "$folder"
    removed+="${removed:+,}$reply"
  done
}

# That the moment is one of this file.
require_own_moment() {
  local page theirs at newest=0
  [ "${#metas}" = "$((4 * meta_bytes))" ] || fail 64 "The two metas have to have $((4 * meta_bytes)) hex digits, and have ${#metas}."
  number_at "$metas" 8 4 && page_bytes=$reply
  number_at "$metas" 40 8 && pages=$reply
  number_at "$metas" 48 8 && theirs=$reply
  if [ "$page_bytes" -lt 1024 ] || [ "$pages" -lt 3 ]; then fail 64 "The metas are of $pages pages of $page_bytes bytes, which is no database."; fi
  size=$((pages * page_bytes))
  size_of "$database"
  [ "$reply" -ge "$size" ] || other_file
  for at in 0 "$page_bytes"; do
    read_meta "$at" && page=$reply
    if [ "${page:0:32}" != "${metas:0:32}" ]; then continue; fi
    number_at "$page" 48 8
    if [ "$reply" -gt "$newest" ]; then newest=$reply; fi
  done
  [ "$newest" -ge "$theirs" ] || other_file
}

# other_file: etcd has replaced it, after a defragmentation or by a snapshot of its leader, and serves from another one. That is an end like another: the
# next try begins with that one.
other_file() {
  find_inode
  succeed "{\"inode\":\"$reply\",\"copy\":null${removed:+,\"removed\":[$removed]}}"
}

require_same_file() {
  find_inode
  if [ "$reply" != "$inode" ]; then other_file; fi
}

# print_hex DIGITS: as bytes.
# shellcheck disable=SC2059
print_hex() {
  local bytes='' at
  for ((at = 0; at < ${#1}; at += 2)); do bytes+="\\x${1:at:2}"; done
  printf "$bytes"
}

# The database as of that moment. A page that is free by now may hold anything: nobody reads it.
print_database() {
  local at
  for at in 0 1; do
    # Its header: its number, and that it is a meta. Behind the meta are zeros.
    print_hex "0${at}000000000000000400000000000000${metas:$((2 * at * meta_bytes)):$((2 * meta_bytes))}" || return 1
    head -c "$((page_bytes - header_bytes - meta_bytes))" /dev/zero || return 1
  done
  dd bs="$page_bytes" skip=2 count="$((pages - 2))" <&8 2> "$scratch/records"
}

# The SHA-256 is made of what passes, for the file changes where it is free: no second reading would be the same.
print_with_sha256() {
  local hashing copier digest=''
  print_sha256 "$scratch/passing" > "$scratch/sha256" &
  hashing=$!
  # The shell opens it, so that whoever reads there comes to an end whatever becomes of tee.
  print_database | tee /dev/fd/7 7> "$scratch/passing" &
  copier=$!
  printf '%s\n' "$copier" > "$scratch/copier"
  wait "$hashing" || true
  read -r digest _ < "$scratch/sha256" || true
  # Where nobody reads there any more, tee would wait for that without end.
  if [ "${#digest}" != 64 ]; then kill "$copier" 2> /dev/null || true; fi
  wait "$copier" || return 1
  [ "${#digest}" = 64 ] || return 1
  # dd tells how much it has written, and ends well also where the file ends before that.
  case $(cat "$scratch/records") in *"$((pages - 2))+0 records out"*) print_hex "$digest" ;; *) return 1 ;; esac
}

copy() {
  local problem=''
  rm -rf -- "${scratch:?}"/*
  : > "$scratch/backup"
  mkfifo -- "$scratch/passing" || fail 1 "mkfifo cannot make $scratch/passing. See whether the disk is full, then run this again."
  { print_with_sha256 | gzip -n -1 -c > "$scratch/snapshot"; } 2> "$scratch/problem" 3>&- 9>&- &
  copying=$!
  while kill -0 "$copying" 2> /dev/null; do
    require_same_file
    read_disk "$scratch"
    if [ "$free_bytes" -lt "$least_free_bytes" ]; then
      stop_copy
      refuse no-room 65 "The disk of $scratch has only $free_bytes bytes free by now, and etcd needs these. The copy was given up and removed. Make room there, then back up again."
    fi
    sleep 0.2
  done
  wait "$copying" || {
    copying=''
    read -r problem < "$scratch/problem" || true
    fail 1 "The database could not be copied to $scratch by head, dd, cat, tee, $sha256_tool and gzip${problem:+: ${problem:0:300}}. See whether the disk is full, then run this again."
  }
  copying=''
  require_same_file
}

find_data "$data_dir" "$wal_dir"
database=$member/snap/db log_dir=$member/wal
if [ -n "$wal_dir" ]; then real_path "$wal_dir" && log_dir=$reply; fi
require_sha256
require_curl
require_own_data
find_scratch "$data_dir" "$execution"
require_no_other
find_inode
found=$reply
if [ -z "$metas" ]; then
  size_of "$database"
  require_free "$(folder_of "$scratch")" "$((reply + reserve_bytes))" 'a copy of the database, with room left for etcd,'
  if [ -n "$url" ]; then require_reached 'to which this host would send the copy'; fi
  succeed "{\"inode\":\"$found\",\"copy\":null${removed:+,\"removed\":[$removed]}}"
fi

make_scratch "$scratch"
lock "$scratch"
to_free=clean_up
cd -- "$scratch"
exec 8< "$database"
require_same_file
require_own_moment
require_free "$scratch" "$((size + reserve_bytes))" 'a copy of the database, with room left for etcd,'
give_way
copy
read -r digest _ < "$scratch/sha256"
sha256_of "$scratch/snapshot" && sha256=$reply
size_of "$scratch/snapshot" && sent_bytes=$reply
rm -f -- "$scratch/passing" "$scratch/sha256" "$scratch/records" "$scratch/copier" "$scratch/problem" || fail 1 "What the copy was made with could not be removed from $scratch by rm. See whether the disk is sound, then run this again."
kept=yes
succeed "{\"inode\":\"$inode\",\"copy\":{\"sizeBytes\":$((size + 32)),\"databaseSha256\":\"$digest\",\"snapshot\":{\"sizeBytes\":$sent_bytes,\"sha256\":\"$sha256\"}}${removed:+,\"removed\":[$removed]}}"
