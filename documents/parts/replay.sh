# shellcheck shell=bash
# Lets etcd replay the log of a copy of a member's data, where nobody else can reach it and it can reach nobody.
# shellcheck disable=SC2317

need env grep sleep id

# Much longer than it ever takes; SSM ends the command after an hour, and there is more to do.
replay_within_seconds=1200
end_within_seconds=60
replaying=''

# exec_alone PROGRAM ARGUMENTS...: takes the place of the shell that calls it, as the account that etcd runs as, in a network of its own.
# The copy knows its peers' addresses and passes for the member that it was taken from: one that still runs would talk to it, and might
# get its vote. Sockets that are files need no network.
# shellcheck disable=SC2154
exec_alone() {
  local command=(env -i "PATH=$PATH" "SSM_COMMAND_ID=${SSM_COMMAND_ID:-}" ETCD_UNSUPPORTED_ARCH=arm64)
  if [ "$(id -u)" != 0 ]; then
    # Where a network of its own needs more than this account may, a proxy that is not there keeps it from all but this host.
    if unshare -r -n true 2> /dev/null; then command=(unshare -r -n "${command[@]}"); else command+=(HTTP_PROXY=http://127.0.0.1:1 HTTPS_PROXY=http://127.0.0.1:1); fi
  elif [ "$user" = root ]; then
    command=(unshare -n "${command[@]}")
  elif command -v setpriv > /dev/null; then
    command=(unshare -n setpriv "--reuid=$(id -u -- "$user")" "--regid=$(id -g -- "$user")" --init-groups "${command[@]}")
  else
    command=(unshare -n runuser -u "$user" -- "${command[@]}")
  fi
  exec ${limits[@]+"${limits[@]}"} "${command[@]}" "$@"
}

# end_replay: etcd writes everything out when it is asked to end.
end_replay() {
  local until=$((SECONDS + end_within_seconds))
  if [ -z "$replaying" ]; then return 0; fi
  kill -TERM "$replaying" 2> /dev/null || true
  while kill -0 "$replaying" 2> /dev/null; do
    if [ "$SECONDS" -ge "$until" ]; then kill -KILL "$replaying" 2> /dev/null || true; fi
    sleep 0.05
  done
  wait "$replaying" 2> /dev/null || true
  replaying=''
}

# why_it_failed LOG: the last error in it, or its last line; in `reply`.
why_it_failed() {
  reply=$(awk '
    function text(name, found) {
      if (!match($0, "\"" name "\":\"([^\"\\\\]|\\\\.)*\"")) return ""
      found = substr($0, RSTART + length(name) + 4, RLENGTH - length(name) - 5)
      gsub(/\\"/, "\"", found)
      return found
    }
    /^[{]/ { said = text("msg"); why = text("error"); last = said (why == "" ? "" : ": " why) }
    !/^[{]/ && NF { last = $0 }
    /^panic: / || /"level":"(error|fatal|panic)"/ { worst = last }
    END { print substr(worst == "" ? last : worst, 1, 300) }' "$1")
}

# read_replay LOG: leaves in `replayed_log` what the log held, as JSON. etcd says which entries it leaves out behind the last one that it
# knows as committed; where there are none, that one is found by what etcd puts behind it: an entry for each member that it removes. (A
# removal of the cluster's own, with no member added since, is counted with them: then it is a little too low, before 3.5.30.)
# shellcheck disable=SC2034
read_replay() {
  replayed_log=$(awk '
    function number(name) {
      if (!match($0, "\"" name "\":[0-9]+")) return ""
      return substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 3)
    }
    /"msg":"repaired WAL"/ { torn = 1 }
    /"msg":"discarding uncommitted WAL entries"/ { first = number("entry-index"); discarded = number("number-of-discarded-entries") }
    /"msg":"forcing restart member"/ {
      forced = number("commit-index"); known = number("wal-commit-index")
      if (match($0, "\"cluster-id\":\"[0-9a-f]+\"")) cluster = substr($0, RSTART + 14, RLENGTH - 15)
    }
    /"msg":"(added|promote) member"/ { removed = 0 }
    /"msg":"removed member"/ { removed++ }
    END {
      if (forced == "") exit
      commit = first == "" ? forced - removed : first - 1
      if (commit < known + 0) commit = known
      printf "{\"clusterId\":\"%s\",\"complete\":%s,\"commitIndex\":\"%.0f\",\"lastIndex\":\"%.0f\"}", cluster, torn ? "false" : "true", commit, commit + discarded
    }' "$1")
}

# await_ready LOG: until etcd, which is `replaying`, serves clients. Returns 1 where it ends before that, or takes too long.
await_ready() {
  local until=$((SECONDS + replay_within_seconds))
  while kill -0 "$replaying" 2> /dev/null && [ "$SECONDS" -lt "$until" ]; do
    # 3.4 does not say the first.
    if grep -q -s -e '"msg":"ready to serve client requests"' -e '"msg":"serving client traffic insecurely' "$1"; then return 0; fi
    sleep 0.05
  done
  return 1
}

# replay FOLDER LOG: the data dir is FOLDER/copy. Returns 1 and leaves `replay_problem` where its log cannot be replayed. Without a quota,
# for the default might raise an alarm that the data never had; and it elects itself at once and is ended at once, for a leader ends
# leases, and with them their keys.
# shellcheck disable=SC2034,SC2154
replay() {
  local until=$((SECONDS + replay_within_seconds)) ready=''
  replayed_log='' replay_problem=''
  (
    cd -- "$1"
    exec_alone "$bin_dir/etcd" --name salvage --data-dir copy --force-new-cluster --logger zap --log-outputs stderr \
      --listen-client-urls unix://client:0 --advertise-client-urls http://127.0.0.1:1 --listen-peer-urls unix://peer:0 \
      --quota-backend-bytes=-1 --heartbeat-interval=10 --election-timeout=100
  ) < /dev/null > /dev/null 2> "$2" 3>&- 9>&- &
  replaying=$!
  if await_ready "$2"; then ready=yes; fi
  end_replay
  read_replay "$2"
  # Without a log to replay etcd would begin a new one and be ready as well.
  if [ -n "$ready" ] && [ -n "$replayed_log" ]; then return 0; fi
  why_it_failed "$2"
  replay_problem=${reply:-etcd ended and said nothing}
  if [ "$SECONDS" -ge "$until" ]; then replay_problem="etcd was not done after $replay_within_seconds s, and its last words were: $replay_problem"; fi
  replayed_log=''
  return 1
}
