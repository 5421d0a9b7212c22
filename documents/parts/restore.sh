# shellcheck shell=bash
# Restores a snapshot into the scratch folder, beside the data dir, which stays as it is. Run again with the same parameters it says
# the same; with others, or after it was interrupted at any point, it begins again.
# shellcheck disable=SC2317

need rm mv chown id wc

# etcd allocates its first WAL file in full.
wal_bytes=64000000

# drop_used: what is needed no more, once data is restored or could not be.
drop_used() {
  rm -rf -- "$scratch/db" "$scratch/fetched" "$scratch/fetched".*
}

clean_up() {
  drop_used
  if [ ! -f "$scratch/restored" ]; then rm -rf -- "$scratch/data" "$restored_wal"; fi
}

is_wanted() {
  if [ ! -f "$1" ]; then return 1; fi
  sha256_of "$1"
  [ "$reply" = "$sha256" ]
}

# Leaves the snapshot in the scratch folder as `snapshot`, and whether it was `fetched`.
find_snapshot() {
  fetched=''
  if is_wanted "$scratch/snapshot"; then return; fi
  if is_wanted "$scratch.backup/snapshot"; then
    mv -f -- "$scratch.backup/snapshot" "$scratch/snapshot"
    return
  fi
  [ -n "$url" ] || refuse snapshot-missing 65 "The snapshot with the SHA-256 $sha256 is not on this host. It has to be made or fetched here first. Start the recovery again."
  fetch "$scratch/fetched"
  is_wanted "$scratch/fetched" || fail 1 "What was fetched from ${url%%\?*} has the SHA-256 $reply, and not $sha256. It is another snapshot than planned, or was damaged on its way. Run this again. If it fails again, start the recovery again."
  mv -f -- "$scratch/fetched" "$scratch/snapshot"
  fetched=yes
}

require_space() {
  require_free "$scratch" "$((2 * size_bytes + wal_bytes))" 'the restored data, with the snapshot beside it,'
  require_free "$wal_scratch" "$wal_bytes" "the log's first file"
}

restore() {
  local said options=()
  decompress "$scratch/snapshot" "$scratch/db" || fail 1 "The snapshot could not be decompressed: $reply. See whether the disk is full, then run this again."
  if [ "$restored_wal" != "$scratch/data/member/wal" ]; then options+=(--wal-dir "$restored_wal"); fi
  if [ "$hash_check" = no ]; then options+=(--skip-hash-check); fi
  if [ "$bump_revision" != 0 ]; then options+=(--bump-revision "$bump_revision" --mark-compacted); fi
  said=$(snapshot_tool restore "$scratch/db" --data-dir "$scratch/data" --name "$name" --initial-advertise-peer-urls "$peer_urls" \
    --initial-cluster "$initial_cluster" --initial-cluster-token "$initial_cluster_token" ${options[@]+"${options[@]}"} 2>&1) || {
    case $said in *Error:*) said=${said#*Error: } ;; esac
    said=${said:0:400}
    fail 1 "etcd's own program could not restore the snapshot: ${said:-env and $snapshot_program said nothing}. The data dir is as it was."
  }
}

# restore_snapshot: leaves in `result` what was restored, as JSON.
# shellcheck disable=SC2154
restore_snapshot() {
  local parameters restored_with problem
  require_account
  integer "$revision" && revision=$reply
  integer "$bump_revision" && bump_revision=$reply
  integer "$size_bytes" && size_bytes=$reply
  require_snapshot_tools
  find_data "$data_dir" "$wal_dir"
  require_data_dir
  require_wal_dir "$wal_dir"
  find_scratch "$data_dir" "$execution"
  make_scratch "$scratch"
  lock "$scratch"
  find_restored_wal
  make_scratch "$wal_scratch"

  parameters="$data_dir $restored_wal $user:$group $name $peer_urls $initial_cluster $initial_cluster_token $sha256 $hash_check $revision $bump_revision"
  if [ -f "$scratch/restored" ]; then
    { read -r result || result='' && read -r restored_with || restored_with=''; } < "$scratch/restored"
    if [ "$restored_with" = "$parameters" ]; then drop_used && return; fi
  fi
  read_phase "$scratch"
  case $reply in
    moving | placed) refuse restored-already 65 "What $execution has restored here is on its way into its place already ($reply), so nothing else is restored. Move it back with revert-data-dir first." ;;
  esac
  to_free=clean_up
  # What an earlier run has left counts for nothing from here on.
  rm -f -- "$scratch/restored"
  set_phase restored
  rm -rf -- "$scratch/data" "$restored_wal"

  find_snapshot
  require_space
  restore
  read_snapshot "$scratch/data/member/snap/db" || fail 1 "What was restored cannot be read: $snapshot_problem. The data dir is as it was."
  if [ "$snapshot_revision" != "$((revision + bump_revision))" ]; then
    fail 1 "What was restored is at revision $snapshot_revision, and not at $((revision + bump_revision)): it is another snapshot than planned. The data dir is as it was. Start the recovery again."
  fi
  problem=$(chown -hR -- "$user:$group" "$scratch/data" 2>&1 && if [ -d "$restored_wal" ]; then chown -hR -- "$user:$group" "$restored_wal" 2>&1; fi) ||
    fail 1 "What was restored cannot be given to $user:$group by chown: ${problem:0:300}. Check the names of the user and the group, then run this again."
  size_of "$scratch/data/member/snap/db"
  printf '%s\n' "{\"revision\":\"$snapshot_revision\",\"sizeBytes\":$reply}" "$parameters" > "$scratch/restored.new"
  mv -f -- "$scratch/restored.new" "$scratch/restored"
  # Where it was salvaged it is sent from; elsewhere it has served.
  if [ -n "$fetched" ]; then rm -f -- "$scratch/snapshot"; fi
  drop_used
  read -r result < "$scratch/restored"
}
