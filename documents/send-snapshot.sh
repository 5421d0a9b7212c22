# shellcheck shell=bash
# parts: common scratch snapshot transfer
# Sends one part of the compressed snapshot in the scratch folder to the staging bucket. Whether it can be restored turns out where it is restored, and
# the command that fetches it compares its SHA-256. May be run again: a part that is there is replaced.
data_dir='{{ dataDir }}'
execution='{{ execution }}'
source='{{ source }}'
offset='{{ offsetBytes }}'
length='{{ lengthBytes }}'
url='{{ url }}'

need head tail
integer "$offset" && offset=$reply
integer "$length" && length=$reply
find_scratch "$data_dir" "$execution"
if [ "$source" = backup ]; then scratch=$scratch.backup; fi
snapshot=$scratch/snapshot
[ -f "$snapshot" ] || refuse nothing-to-send 65 "$snapshot does not exist. The snapshot of $execution has to be made or fetched on this host first. Start the recovery or the backup again."
size_of "$snapshot" && size=$reply
if [ "$length" -eq 0 ] || [ "$((offset + length))" -gt "$size" ]; then
  refuse no-part 65 "$snapshot has $size bytes, so $length bytes from byte $offset on are no part of it. It is another snapshot than planned. Start the recovery or the backup again."
fi

# A recovery has stopped etcd here. Beside a backup it runs.
reserve_bytes=0 beside=''
if [ -e "$scratch/backup" ]; then
  reserve_bytes=$least_free_bytes beside=', with room left for etcd,'
  give_way
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
  require_free "$scratch" "$((length + reserve_bytes))" "a part of the snapshot$beside"
  part=$work/part
  { tail -c "+$((offset + 1))" "$snapshot" 2> "$work/problem" || true; } | head -c "$length" > "$part"
  size_of "$part"
  [ "$reply" = "$length" ] || fail 1 "Of $snapshot only $reply of $length bytes from byte $offset on could be read by tail and head: $(head -c 300 "$work/problem")"
fi
send "$part" "$work/answer"
problem=$(rm -rf -- "$work" 2>&1) || fail 1 "The part was sent, but $work could not be removed by rm, and takes room that the restore needs: ${problem:0:300}. See whether the disk is sound, then run this again."
json "$etag"
succeed "{\"sizeBytes\":$length,\"etag\":$reply}"
