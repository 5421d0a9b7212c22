# shellcheck shell=bash
# How a service is started and stopped, until it really is so. systemctl's exit status proves nothing: Restart= hides that a service fails, and
# a member that was removed from its cluster ends with status 0. So the unit itself is asked.
# shellcheck disable=SC2317

need systemctl journalctl sleep tail

start_within_seconds=120
stop_within_seconds=150
# A member that joins tells systemd so once it has received the whole database: the command that started it asks the member how far it is.
joins_for_seconds=30
# A job that systemd has accepted may wait for other units first.
job_within_seconds=3
# What has run for two seconds has read its configuration and its data; bash counts whole seconds, so one more.
steady_seconds=3

# The end of a log: ten lines of 400 bytes. The last lines of a Go program that panics are its stack, which goes; what says why comes first.
# shellcheck disable=SC2016
journal_program='
/^[ \t]*$/ { next }
/^\t/ || /^goroutine / || /^created by / || /^panic\(.*\)$/ || /^[A-Za-z_][^ ({"]*\.[^ ]*\(.*\)$/ { stack = 1; next }
{ line[++count] = substr($0, 1, 400) }
/^(panic|fatal error):/ || /"level":"(fatal|error|panic)"/ { why = count }
END {
  if (!count && stack) print "(Nothing but the stack of a program that crashed. What it crashed of is further up in its journal.)"
  if (why) print line[why]
  first = count - 9
  if (first < 1) first = 1
  else if (why && why < first) first++
  for (i = first; i <= count; i++) if (i != why) print line[i]
}'

# wait_a_moment: before the next look at the unit, of which the caller counts its `looks`. A unit that takes its time is asked less often.
wait_a_moment() {
  looks=$((looks + 1))
  if [ "$looks" -le 20 ]; then sleep 0.05; else sleep 0.2; fi
}

# fail_with_log WHAT_IT_MEANS
fail_with_log() {
  local log
  log=$(journalctl -u "$unit" -n 40 --no-pager -q -o cat | tail -n 40 | awk "$journal_program") || log='(journalctl does not say it.)'
  fail 1 "The unit $unit is $ActiveState ($SubState): $1 Result=$Result, exit status $ExecMainStatus, $NRestarts restarts. ${log:+The end of its log:
}${log:-Its log is empty.}"
}

ended() {
  if [ "$ActiveState:$Result:$ExecMainStatus" = inactive:success:0 ]; then
    fail_with_log 'it ended without an error, as etcd does when it was removed from its cluster.'
  fi
  fail_with_log 'it does not stay up.'
}

# Waits until the unit is active with one and the same process for a while; one of Type=notify has said itself that it is ready.
wait_until_steady() {
  local looks=0 until=$((SECONDS + start_within_seconds)) job_until=$((SECONDS + job_within_seconds))
  local seen='' pid=0 restarts=0 since=0 before=$NRestarts
  while [ "$SECONDS" -lt "$until" ]; do
    read_unit
    case $ActiveState:$SubState in
      active:running)
        if [ "$pid" != 0 ] && [ "$pid:$restarts" != "$MainPID:$NRestarts" ]; then fail_with_log 'it restarts again and again.'; fi
        if [ "$pid" = 0 ]; then since=$SECONDS; fi
        pid=$MainPID restarts=$NRestarts seen=yes
        if [ "$type" = Type=notify ]; then return; fi
        if [ "$pid" != 0 ] && [ "$((SECONDS - since))" -ge "$steady_seconds" ]; then return; fi
        ;;
      active:exited) fail_with_log 'it has no process, so it is not a service that runs etcd.' ;;
      failed:*) ended ;;
      inactive:* | activating:auto-restart*)
        # One that fails within a moment is never seen to run; that it was started again tells as much.
        if [ -n "$seen" ] || [ "$NRestarts" -gt "$before" ] || [ "$SECONDS" -ge "$job_until" ]; then ended; fi
        ;;
      activating:start)
        seen=yes
        if [ "$MainPID" != 0 ]; then
          if [ "$pid" != 0 ] && [ "$pid:$restarts" != "$MainPID:$NRestarts" ]; then fail_with_log 'it restarts again and again.'; fi
          if [ "$pid" = 0 ]; then since=$SECONDS; fi
          pid=$MainPID restarts=$NRestarts
          if [ "$((SECONDS - since))" -ge "$joins_for_seconds" ]; then return; fi
        fi
        ;;
      *) seen=yes ;;
    esac
    wait_a_moment
  done
  fail_with_log "after $start_within_seconds s it is still not up."
}

start() {
  require_loaded
  type=$(systemctl show -p Type "$unit")
  case $ActiveState in
    active) ;;
    *)
      # A unit that was started too often in a row is refused by systemd until its count is reset, also where it was stopped since; one that
      # systemd has not loaded has no count.
      systemctl reset-failed "$unit" 2> /dev/null || true
      read_unit
      systemctl start --no-block "$unit" || fail 1 "systemd did not accept the start of the unit $unit. \"systemctl status $unit\" says why."
      ;;
  esac
  wait_until_steady
}

is_stopped() {
  read_unit
  case $ActiveState:$MainPID in inactive:0 | failed:0) return 0 ;; esac
  return 1
}

stop() {
  local stopping status='' looks=0 until=$((SECONDS + stop_within_seconds))
  require_loaded
  if is_stopped; then return; fi
  # systemctl waits as long as the unit's TimeoutStopSec says, which may be for ever.
  systemctl stop "$unit" 3>&- 8>&- 9>&- &
  stopping=$!
  while [ "$SECONDS" -lt "$until" ]; do
    if [ -z "$status" ] && ! kill -0 "$stopping" 2> /dev/null; then
      status=0
      wait "$stopping" || status=$?
    fi
    if is_stopped && [ -n "$status" ]; then return; fi
    # A stop that was refused will not happen later.
    if [ "${status:-0}" != 0 ]; then fail_with_log 'systemd did not stop it.'; fi
    wait_a_moment
  done
  kill "$stopping" 2> /dev/null || true
  fail_with_log "after $stop_within_seconds s it is still not stopped. See which process holds it up before anything else is done here."
}

# service_state: how the unit is, in `reply`, as members of an object in JSON.
service_state() {
  local active_state
  json "$ActiveState" && active_state=$reply
  json "$SubState"
  reply="\"activeState\":$active_state,\"subState\":$reply,\"mainPid\":$MainPID"
}
