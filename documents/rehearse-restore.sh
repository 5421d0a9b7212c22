# shellcheck shell=bash
# parts: common data-dir scratch snapshot compression transfer replay rehearsal
# Rehearses a recovery: fetches a backup, restores it into a scratch folder, starts a private member on it, says what that holds and how long each took, and
# removes all of it. The host's own member, its data and its ports are not touched. May be run again.
data_dir='{{ dataDir }}'
bin_dir='{{ binDir }}'
user='{{ user }}'
group='{{ group }}'
revision='{{ revision }}'
sha256='{{ sha256 }}'
compressed_bytes='{{ compressedBytes }}'
size_bytes='{{ sizeBytes }}'
room_bytes='{{ roomBytes }}'
memory_bytes='{{ memoryBytes }}'
url='{{ url }}'

need awk chgrp chmod chown mkdir rm

# How long one answer of the private member may take: a hash reads all of its database.
answer_within_seconds=300

clean_up() {
  end_replay
  cd / && rm -rf -- "$work"
}

now_ms() {
  # Bash knows it since 5.0; seconds will do elsewhere.
  reply=${EPOCHREALTIME:-}
  if [ -n "$reply" ]; then reply=$((${reply/[.,]/} / 1000)) && return; fi
  need date
  reply=$(($(date +%s) * 1000))
}

# since MS: how many milliseconds have passed, in `reply`.
since() {
  now_ms
  reply=$((reply - $1))
}

# postpone WHY: something else needs the host. That says nothing of the backup, so it is an end like another, and no failure.
postpone() {
  json_message "$1"
  tell "{\"gaveWay\":$reply}"
  exit 0
}

# A recovery that needs the host ends what works in the folder, and so may a shutdown, or a person.
# shellcheck disable=SC2317
postpone_on_signal() {
  trap '' HUP INT TERM
  if [ -n "$told" ]; then return; fi
  postpone 'It was ended from outside before it was done: by a recovery on this host, by a shutdown, or by a person. Rehearse again.'
}
trap postpone_on_signal HUP INT TERM

# shellcheck disable=SC2317
postpone_unanswered() {
  postpone "$1 That says nothing of the backup. Rehearse again once S3 answers."
}

# One at a time: the lock is the folder.
lock_work() {
  if [ ! -d "$work" ] || ! has_flock; then return 0; fi
  exec 9< "$work"
  if flock -n 9; then return 0; fi
  # Only one that gets a lock which nobody holds has said that this one is taken.
  flock -n -s /dev/null true || fail 1 'flock fails on this host, so that two rehearsals could not be kept apart. See what it says, then run this again.'
  postpone "Another rehearsal works in $work on this host. See what comes of that one."
}

# Whose recovery it is does not matter: it needs the disk for itself.
require_no_recovery() {
  local folder prefix
  prefix=$(folder_of "$real")/.etcd-remediation.$(name_of "$real").
  for folder in "$prefix"* "$real"/archived.*.scratch "$real"/archived.*.scratch.backup; do
    if [ ! -d "$folder" ] || [ "$folder" = "$work" ]; then continue; fi
    read_phase "$folder"
    case $reply in
      restored | moving | placed) ;;
      *) if ! has_flock || flock -n "$folder" true; then continue; fi ;;
    esac
    postpone "A recovery or a backup works in $folder on this host, so nothing is rehearsed here. Rehearse once it has ended."
  done
}

# A network of its own keeps the private member from the cluster. A container may not let even root make one.
require_own_network() {
  local said
  if [ "$(id -u)" != 0 ]; then return 0; fi
  said=$(unshare -n true 2>&1) || refuse unshare-refused 65 "This host does not let root make a network of its own, as a container without CAP_SYS_ADMIN does not: \"unshare -n\" said: ${said:0:300}. Without one a private member could reach the cluster, so nothing was fetched or started. This says nothing of the backup. Rehearse on another host, or allow it here: a recovery replays logs in the same way."
}

require_memory() {
  local available
  if [ ! -r /proc/meminfo ]; then return 0; fi
  available=$(awk '/^MemAvailable:/ { printf "%.0f", $2 * 1024 }' /proc/meminfo) || fail 1 'awk cannot read /proc/meminfo. Run it by hand to see why, then run this again.'
  if [ -n "$available" ] && [ "$available" -lt "$memory_bytes" ]; then
    refuse no-memory 65 "This host has $available bytes of memory available, and a private member with this backup takes about $memory_bytes. Rehearse on another host."
  fi
}

# Where memory is short, the kernel ends the private member. systemd bounds it as well, where it has started this host and takes such a bound.
bound_memory() {
  local bounded=(systemd-run --scope --quiet -p "MemoryMax=$memory_bytes" -p MemorySwapMax=0 -p CPUWeight=10 -p IOWeight=10)
  { echo 1000 > /proc/self/oom_score_adj; } 2> /dev/null || true
  if [ "$(id -u)" = 0 ] && [ -d /run/systemd/system ] && "${bounded[@]}" true > /dev/null 2>&1; then limits=("${bounded[@]}"); fi
}

# require_not_killed STATUS: nothing else kills a program of etcd while this script lives.
require_not_killed() {
  if [ "$1" != 137 ]; then return 0; fi
  refuse no-memory 65 "A program of etcd was killed while it worked on the backup, as the kernel does where memory is short. It had about $memory_bytes bytes. This says nothing of the backup. Rehearse on a host with more memory."
}

damaged() {
  refuse backup-damaged 65 "$1 It is damaged, or was replaced. Make a new backup now, and rehearse that."
}

fetch_recorded() {
  fetch "$work/fetched" "$compressed_bytes"
  size_of "$work/fetched"
  [ "$reply" = "$compressed_bytes" ] || damaged "The backup in the bucket has $reply bytes, and $compressed_bytes were recorded when it was made."
  sha256_of "$work/fetched"
  [ "$reply" = "$sha256" ] || damaged "The backup in the bucket has the SHA-256 $reply, and $sha256 was recorded when it was made."
}

restore_recorded() {
  local said
  decompress "$work/fetched" "$work/db" || fail 1 "The backup could not be decompressed: $reply. See whether the disk is full, then run this again."
  size_of "$work/db"
  [ "$reply" = "$size_bytes" ] || damaged "The backup has $reply bytes when it is decompressed, and $size_bytes were recorded when it was made."
  rm -rf -- "$work/fetched" "$work/fetched".*
  mkdir -m 700 -- "$work/member"
  said=$(snapshot_tool restore "$work/db" --data-dir "$work/member/data" --name rehearsal --initial-advertise-peer-urls http://127.0.0.1:1 \
    --initial-cluster rehearsal=http://127.0.0.1:1 --initial-cluster-token rehearsal 2>&1) || {
    require_not_killed "$?"
    case $said in *Error:*) said=${said#*Error: } ;; esac
    said=${said:0:400}
    fail 1 "etcd's own program could not restore the backup: ${said:-env and $snapshot_program said nothing}. A recovery could not either: see whether $bin_dir has the release that the backup is of, and make a new backup."
  }
  rm -f -- "$work/db"
}

# Where nobody else can reach it and it can reach nobody. Its sockets are files.
start_member() {
  local problem
  problem=$(chown -hR -- "$user:$group" "$work/member" 2>&1 && chgrp -h -- "$group" "$work" 2>&1 && chmod 710 "$work" 2>&1) ||
    fail 1 "What was restored cannot be given to $user:$group by chown, chgrp and chmod: ${problem:0:300}. Check the names of the user and the group."
  (
    cd -- "$work/member"
    exec_alone "$bin_dir/etcd" --name rehearsal --data-dir data --logger zap --log-outputs stderr \
      --listen-client-urls unix://client:0 --advertise-client-urls http://127.0.0.1:1 --listen-peer-urls unix://peer:0 \
      --quota-backend-bytes=-1 --heartbeat-interval=10 --election-timeout=100
  ) < /dev/null > /dev/null 2> "$work/etcd.log" 3>&- 9>&- &
  replaying=$!
  if await_ready "$work/etcd.log"; then return; fi
  if ! kill -0 "$replaying" 2> /dev/null; then wait "$replaying" || require_not_killed "$?"; fi
  why_it_failed "$work/etcd.log"
  fail 1 "etcd does not start from what was restored, or was not done after $replay_within_seconds s: ${reply:-it ended and said nothing}. A recovery from this backup would fail as well."
}

# ask SOCKET ARGUMENTS...: what the private member answers there. The path of a socket is short, or it is none.
ask() {
  (cd -- "$work/member" && exec curl -q --silent --show-error --noproxy '*' --max-time "$answer_within_seconds" --unix-socket "$@")
}

# What it holds as it begins: a lease that ends deletes its keys soon. Nobody has to log in for its metrics, nor for the question that members ask each
# other: the hash of all keys at one revision. Keys at a revision can be counted only where authentication is not enabled.
read_member() {
  local said
  said=$(ask client:0 http://localhost/metrics | awk '
    $1 == "etcd_debugging_mvcc_current_revision" { revision = $2 }
    $1 == "etcd_debugging_mvcc_keys_total" { keys = $2 }
    END { printf "%.0f %.0f", revision, keys }') || said=''
  read -r held_revision held_keys <<< "$said" || true
  [ "${held_revision:-0}" != 0 ] || fail 1 "The private member runs on what was restored, but curl and awk do not say what it holds: ${said:-nothing was answered}. Run this again."
  keys=null hash=null
  said=$(ask client:0 --data "{\"key\":\"AA==\",\"range_end\":\"AA==\",\"count_only\":true,\"revision\":\"$revision\"}" http://localhost/v3/kv/range) || said=''
  if [[ $said =~ \"count\":\"?([0-9]+) ]]; then
    keys=${BASH_REMATCH[1]}
  elif [[ $said == *'"header"'* ]]; then
    keys=0
  elif [ "$held_revision" = "$revision" ]; then
    keys=$held_keys
  fi
  said=$(ask peer:0 --request GET --data "{\"revision\":$revision}" http://localhost/members/hashkv) || said=''
  if [[ $said =~ \"hash\":([0-9]+) ]]; then
    hash="{\"hash\":${BASH_REMATCH[1]},"
    if [[ $said =~ \"compact_revision\":\"?(-?[0-9]+) ]]; then hash+="\"compactRevision\":\"${BASH_REMATCH[1]}\"}"; else hash+='"compactRevision":"0"}'; fi
  fi
}

[ -n "$url" ] || fail 64 "No address was given to fetch the backup from."
integer "$compressed_bytes" && compressed_bytes=$reply
integer "$size_bytes" && size_bytes=$reply
integer "$room_bytes" && room_bytes=$reply
integer "$memory_bytes" && memory_bytes=$reply
find_data "$data_dir" ''
require_account
require_snapshot_tools
require_curl
require_alone
require_own_network
[ -x "$bin_dir/etcd" ] || refuse etcd-missing 65 "There is no etcd in $bin_dir, so what is restored cannot be started on this host. Install etcd there, or correct binDir."
has_flock || true
remove_rehearsal "$real"
find_scratch "$data_dir" "$rehearsal"
work=$scratch
lock_work
require_no_recovery
require_free "$(folder_of "$work")" "$room_bytes" 'a rehearsal of this backup, with room left for the member,'
require_memory
make_scratch "$work"
lock_work
to_free=clean_up
cd -- "$work"
give_way
bound_memory

if_unanswered=postpone_unanswered
now_ms && begun=$reply
fetch_recorded
since "$begun" && fetch_ms=$reply
now_ms && begun=$reply
restore_recorded
since "$begun" && restore_ms=$reply
now_ms && begun=$reply
start_member
since "$begun" && start_ms=$reply
read_member
end_replay
problem=$(cd / && rm -rf -- "$work" 2>&1) || fail 1 "The backup was restored and served, but $work could not be removed by rm, and takes room: ${problem:0:300}. See whether the disk is sound, then run this again."
succeed "{\"revision\":\"$held_revision\",\"keys\":$keys,\"hash\":$hash,\"tookMs\":{\"fetch\":$fetch_ms,\"restore\":$restore_ms,\"start\":$start_ms}}"
