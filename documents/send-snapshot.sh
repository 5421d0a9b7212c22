# shellcheck shell=bash
# parts: common data-dir scratch snapshot transfer restore
# Sends one part of the compressed snapshot in the scratch folder to the staging bucket. With the first part the snapshot is restored on trial before, for
# its own host: nothing is sent of what cannot be restored. May be run again: a part that is there is replaced.
data_dir='{{ dataDir }}'
wal_dir='{{ walDir }}'
bin_dir='{{ binDir }}'
user='{{ user }}'
group='{{ group }}'
execution='{{ execution }}'
name='{{ name }}'
peer_urls='{{ peerUrls }}'
initial_cluster='{{ initialCluster }}'
initial_cluster_token='{{ initialClusterToken }}'
sha256='{{ sha256 }}'
hash_check='{{ hashCheck }}'
revision='{{ revision }}'
bump_revision='{{ bumpRevision }}'
offset='{{ offsetBytes }}'
length='{{ lengthBytes }}'
# The snapshot lies here: it is never fetched.
url=''

need head tail
integer "$offset" && offset=$reply
integer "$length" && length=$reply
if [ "$offset" -eq 0 ]; then
  restore_snapshot
  # A run that was given up may still be sending.
  exec 9>&-
else
  find_scratch "$data_dir" "$execution"
  [ -f "$scratch/restored" ] || refuse not-tried 65 "The restore of $execution was not tried on this host, or did not end well, so nothing is sent of its snapshot. Send its first part before, or begin the recovery anew."
  read_line "$scratch/restored"
  result=$reply
fi
url='{{ url }}'
snapshot=$scratch/snapshot.gz
[ -f "$snapshot" ] || refuse nothing-to-send 65 "There is no $snapshot to send. The snapshot of $execution has to be made on this host first."
size_of "$snapshot" && size=$reply
if [ "$length" -eq 0 ] || [ "$((offset + length))" -gt "$size" ]; then
  refuse no-part 65 "$snapshot has $size bytes, so $length bytes from byte $offset on are no part of it. It is not the snapshot that was planned with: begin the recovery anew."
fi

work=$scratch/part.$offset.$$
make_scratch "$work"
drop_part() {
  rm -rf -- "$work"
}
to_free=drop_part
part=$snapshot
# S3 wants to know the length first, which curl knows of a file only.
if [ "$length" -lt "$size" ]; then
  require_free "$scratch" "$length" 'a part of the snapshot'
  part=$work/part
  { tail -c "+$((offset + 1))" "$snapshot" 2> "$work/problem" || true; } | head -c "$length" > "$part"
  size_of "$part"
  [ "$reply" = "$length" ] || fail 1 "Of $snapshot only $reply of $length bytes from byte $offset on could be read by tail and head: $(head -c 300 "$work/problem")"
fi
send "$part" "$work/answer"
json "$etag"
succeed "${result%\}},\"etag\":$reply}"
