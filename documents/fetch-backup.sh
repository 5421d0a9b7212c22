# shellcheck shell=bash
# parts: common scratch snapshot compression transfer
# Fetches a backup, compressed or not, into a scratch folder of its own and says what is in it. Run again, it begins again.
data_dir='{{ dataDir }}'
bin_dir='{{ binDir }}'
keep='{{ keep }}'
compressor='{{ compressor }}'
execution='{{ execution }}'
sha256='{{ sha256 }}'
url='{{ url }}'

# clean_up: unless all is done, nothing stays.
clean_up() {
  if [ -z "${kept:-}" ]; then rm -rf -- "$work"; else rm -rf -- "$work/fetched" "$work/fetched".* "$work/db"; fi
}

need tr mv rm
[ -n "$url" ] || fail 64 "No address was given to fetch the backup from."
require_snapshot_tools
require_compressor
find_scratch "$data_dir" "$execution"
read_phase "$scratch"
[ -z "$reply" ] || refuse restore-begun 65 "A restore of $execution has begun on this host already ($reply), so no other snapshot is looked at."
work=$scratch.backup
make_scratch "$work"
lock "$work"
to_free=clean_up
rm -rf -- "${work:?}"/*

fetch "$work/fetched"
if [ -n "$sha256" ]; then
  sha256_of "$work/fetched"
  [ "$reply" = "$sha256" ] || refuse backup-differs 66 "The backup is not what was backed up: its SHA-256 is $reply, and $sha256 was recorded when it was made. It is damaged, or something has replaced it. Look at the versions of the object in its bucket."
fi
how_compressed "$work/fetched"
compressed=''
if [ "$reply" = gzip ]; then compressed=yes; fi
if [ -n "$compressed" ]; then
  mv -f -- "$work/fetched" "$work/snapshot"
  decompressed_size "$work/snapshot"
  require_free "$work" "$reply" 'the backup, decompressed,'
  decompress "$work/snapshot" "$work/db" || refuse backup-damaged 65 "The backup cannot be decompressed: $reply. It may be damaged, or the disk is full: look at both, or name another backup."
else
  mv -f -- "$work/fetched" "$work/db"
fi
if ! read_snapshot "$work/db"; then
  begins=$(head -c 24 "$work/db" | tr -c ' -~' .)
  size_of "$work/db"
  refuse backup-unreadable 65 "The backup is no snapshot that etcd's programs can read: $snapshot_problem. It has $reply bytes${compressed:+ when it is decompressed}, and begins with \"$begins\". Name a file that \"etcdctl snapshot save\" has made, or a copy of a member's member/snap/db."
fi
size_of "$work/db" && size=$reply
# As etcd itself judges: pages of a database, and a SHA-256 behind them.
has_hash=false
if [ "$((size % 512))" = 32 ]; then has_hash=true; fi

snapshot=null
if [ "$keep" = yes ]; then
  if [ -z "$compressed" ]; then
    require_free "$work" "$size" 'the backup, compressed,'
    problem=$(exec_compressor "$work/db" 2>&1 > "$work/snapshot") ||
      fail 1 "The backup could not be written to $work by $compressor: ${problem:0:300}. See whether the disk is full, then run this again."
  fi
  sha256_of "$work/snapshot" && sha256=$reply
  size_of "$work/snapshot"
  snapshot="{\"sizeBytes\":$reply,\"sha256\":\"$sha256\"}" kept=yes
fi
succeed "{\"revision\":\"$snapshot_revision\",\"totalKeys\":$snapshot_keys,\"hash\":\"$snapshot_hash\",\"version\":\"$snapshot_version\",\"sizeBytes\":$size,\"hasHash\":$has_hash,\"snapshot\":$snapshot}"
