# shellcheck shell=bash
# Where a rehearsal works on a host, and how one is ended: whatever it starts has its folder, or the one of its member, as working directory.
# shellcheck disable=SC2317

need rm sleep

# In the place of an execution's name, which never begins so: there is one such folder for a data dir, whoever rehearses.
# shellcheck disable=SC2034
rehearsal=_rehearsal
rehearsal_ends_within_seconds=10

# end_rehearsal FOLDER: ends what works there, and removes it. Returns 1 where something is left.
end_rehearsal() {
  local link process found=yes signal=TERM until=$((SECONDS + rehearsal_ends_within_seconds))
  while [ -n "$found" ]; do
    found=''
    for link in /proc/[0-9]*/cwd; do
      if [ ! "$link" -ef "$1" ] && [ ! "$link" -ef "$1/member" ]; then continue; fi
      process=${link#/proc/} found=yes
      kill "-$signal" "${process%/cwd}" 2> /dev/null || true
    done
    if [ "$SECONDS" -ge "$((until + rehearsal_ends_within_seconds))" ]; then return 1; fi
    if [ "$SECONDS" -ge "$until" ]; then signal=KILL; fi
    if [ -n "$found" ]; then sleep 0.1; fi
  done
  rm -rf -- "$1"
}

# remove_rehearsal DATA_DIR: what one that was killed has left, unless one is at work. Leaves its folder in `reply`; nothing where there was none.
remove_rehearsal() {
  local folder
  reply=''
  for folder in "$(folder_of "$1")/.etcd-remediation.$(name_of "$1").$rehearsal" "$1/archived.$rehearsal.scratch"; do
    if [ ! -d "$folder" ] || [ -L "$folder" ]; then continue; fi
    # A lock that is held says that one is at work.
    if [ -e /proc/self ] && ! flock -n "$folder" true; then continue; fi
    if end_rehearsal "$folder"; then reply=$folder; fi
  done
}
