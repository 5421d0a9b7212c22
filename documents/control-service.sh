# shellcheck shell=bash
# parts: common service
# Starts, stops or restarts the service, and waits until it really is so.
unit='{{ unit }}'
action='{{ action }}'
sent_at='{{ sentAt }}'

require_this_boot
case $action in
  start) start ;;
  # Of members that are started together none is ready before a quorum is: that it stays up is all that can be asked of one.
  start-without-waiting)
    joins_for_seconds=$steady_seconds
    start
    ;;
  stop) stop ;;
  restart)
    stop
    start
    ;;
  *) fail 64 "\"$action\" is not an action: it must be start, start-without-waiting, stop or restart." ;;
esac
service_state
succeed "{$reply}"
