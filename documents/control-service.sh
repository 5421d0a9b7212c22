# shellcheck shell=bash
# parts: common service data-dir raft-log snapshot held-data
# Starts, stops or restarts the service, and waits until it really is so. Nothing is started, and nothing is stopped for a restart, unless the member's
# data is still there as it was seen.
unit='{{ unit }}'
action='{{ action }}'
data_dir='{{ dataDir }}'
wal_dir='{{ walDir }}'
cluster_id='{{ clusterId }}'
commit_index='{{ commitIndex }}'
sent_at='{{ sentAt }}'

# require_startable: what runs already is not started.
require_startable() {
  require_loaded
  if [ "$ActiveState" != active ]; then require_held "$cluster_id" "$commit_index"; fi
}

require_this_boot
case $action in
  start)
    require_startable
    start
    ;;
  # Of members that are started together none is ready before a quorum is: that it stays up is all that can be asked of one.
  start-without-waiting)
    joins_for_seconds=$steady_seconds
    require_startable
    start
    ;;
  stop) stop ;;
  restart)
    require_loaded
    require_held "$cluster_id" "$commit_index"
    stop
    start
    ;;
  *) fail 64 "\"$action\" is not an action: it must be start, start-without-waiting, stop or restart." ;;
esac
service_state
succeed "{$reply}"
