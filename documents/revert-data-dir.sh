# shellcheck shell=bash
# parts: common data-dir scratch
# Moves the data that an execution has moved aside back into its place. What has taken the place meanwhile is moved aside itself, but for
# what was restored and never started: that goes back into the scratch folder it came from. What was restored and has been started is not touched.
# May be run again after it was interrupted at any point; never overwrites and never deletes.
unit='{{ unit }}'
data_dir='{{ dataDir }}'
wal_dir='{{ walDir }}'
user='{{ user }}'
group='{{ group }}'
execution='{{ execution }}'
sent_at='{{ sentAt }}'

need systemctl find rm mv rmdir chown
reverted=false
displaced=''

# check FOLDER: everything that could be refused is refused before anything is moved.
check() {
  local archive=$1.$execution
  if [ -e "$archive" ] && is_filled "$1" && [ -e "$archive.set-aside" ]; then
    refuse set-aside-exists 65 "$1 has data that would have to give way to $archive, but $archive.set-aside exists already from an earlier run. Look at both and move one away."
  fi
  if [ -e "$archive" ]; then require_unmounted "$1"; fi
}

# revert FOLDER
revert() {
  local archive=$1.$execution
  if [ -e "$archive" ]; then
    if is_filled "$1"; then move "$1" "$archive.set-aside"; elif [ -d "$1" ]; then rmdir -- "$1"; fi
    move "$archive" "$1"
    reverted=true
  fi
  if [ -z "$displaced" ] && [ -e "$archive.set-aside" ]; then displaced=$archive.set-aside; fi
}

# was_used FOLDER: whether anything was written there since it was placed. Where nobody knows, nothing is moved.
was_used() {
  local found
  if [ -z "$1" ] || [ ! -d "$1" ]; then return 1; fi
  found=$(find "$1" -type f -newer "$scratch/archives" -print 2>&1) ||
    refuse writes-unknown 66 "find cannot say whether anything was written in $1 since $execution has placed it there: ${found:0:300}. The member may have taken writes, so nothing is moved. See whether the disk is sound, then run this again."
  [ -n "$found" ]
}

# take_back FOLDER TO: what was restored goes back where it came from.
take_back() {
  if [ -n "$1" ] && [ -d "$1" ] && [ ! -e "$2" ]; then move "$1" "$2"; fi
}

# Someone may have moved the whole data dir away, and what is aside in it with it.
require_archives() {
  local folder
  if [ ! -f "$scratch/archives" ]; then return 0; fi
  read_line "$scratch/archives"
  for folder in "$member" ${wal:+"$wal"}; do
    case $reply in *"\"$folder.$execution\""*) ;; *) continue ;; esac
    [ -e "$folder.$execution" ] || refuse archive-gone 66 "$execution has moved the older data to $folder.$execution, and it is not there any more. Find it, move it back there, then run this again."
  done
}

# Undoes a swap-data-dir, wherever that was interrupted.
take_all_back() {
  if [ -f "$scratch/archives" ] && { was_used "$member" || was_used "$wal"; }; then
    read_line "$scratch/archives"
    refuse restored-used 66 "The member has been started with what $execution has restored into $real, and may have taken writes since. The older data is in $reply. Decide which to keep. To keep what is there now: remove $scratch. To keep the older data: move $member${wal:+ and $wal} away by hand, then run this again."
  fi
  require_archives
  if [ -f "$scratch/archives" ]; then
    require_unmounted "$member"
    if [ -n "$wal" ]; then require_unmounted "$wal"; fi
  fi
  # As long as this word is there, nobody takes the member for one that was placed, nor for one where nothing was moved.
  set_phase moving
  rm -f -- "$scratch/restored"
  if [ -f "$scratch/archives" ]; then
    take_back "$member" "$scratch/data/member"
    take_back "$wal" "$restored_wal"
    rm -f -- "$scratch/archives"
    reverted=true
  fi
  if [ -f "$scratch/owner" ]; then
    read_line "$scratch/owner"
    chown -h -- "$reply" "$real"
    rm -f -- "$scratch/owner"
  fi
}

# Where a recovery has moved nothing, nothing has to be moved back: the service may run, and runs on.
is_untouched() {
  [ "$phase" = restored ] && [ ! -e "$member.$execution" ] && { [ -z "$wal" ] || [ ! -e "$wal.$execution" ]; }
}

require_this_boot
find_data "$data_dir" "$wal_dir"
lock "$(folder_of "$real")"
find_scratch "$data_dir" "$execution"
find_restored_wal
read_phase "$scratch"
phase=$reply
if ! is_untouched; then require_stopped 'its data is moved'; fi
require_account
for folder in "$real.$execution" "$real/archived.$execution"; do
  if [ -e "$folder" ]; then refuse older-archive 65 "$folder was moved aside by an earlier release of etcd-remediation, which moved whole data dirs. Move what is in it back into $real by hand."; fi
done
case $phase in
  moving | placed) take_all_back ;;
  # So that a command which still runs elsewhere can place nothing any more.
  restored) rm -f -- "$scratch/restored" ;;
esac
check "$member"
if [ -n "$wal" ]; then check "$wal"; fi

revert "$member"
if [ -n "$wal" ]; then revert "$wal"; fi
case $phase in moving | placed) set_phase restored ;; esac
json "$displaced"
succeed "{\"reverted\":$reverted,\"setAside\":$reply}"
