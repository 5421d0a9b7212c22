# shellcheck shell=bash
# What is asked of a member's data right before its service is started. etcd that finds no log begins as a new member under the name of the old one: it
# votes, and has forgotten what it has acknowledged. Between the look at a host and its start a disk may have gone, or another one may have come.
# Needs data-dir, raft-log and snapshot.
# shellcheck disable=SC2154

# What it means that a member has no data, for the message.
would_begin_empty="Started so, etcd would begin empty under the name of a member that has acknowledged writes, and nothing was started"

# require_held CLUSTER_ID COMMIT_INDEX: that there is a log which holds something, that it is of this cluster, and goes as far as this index. Both were
# seen when the host was looked at; each is empty where nobody knows it.
require_held() {
  local log_dir
  find_data "$data_dir" "$wal_dir"
  log_dir=$member/wal
  if [ -n "$wal_dir" ]; then log_dir=${wal:-$wal_dir}; fi
  read_log "$log_dir" "$member/snap"
  case $log_holds in
    entries | unknown) ;;
    '') refuse data-gone 66 "There is no log of etcd in $log_dir. $would_begin_empty. See whether the disk is mounted there, and who has moved the data. Then start the remediation again." ;;
    *) refuse data-gone 66 "The log in $log_dir holds nothing that anyone has written. $would_begin_empty. Find out what became of the data. Then start the remediation again." ;;
  esac
  read_cluster "$log_dir"
  # etcd does not start on such a log either. Where od is broken here, nothing of this was asked.
  if [ -z "$reply" ]; then
    refuse data-changed 66 "The begin of the log in $log_dir cannot be read with od and awk, so nobody knows of which cluster it is. Nothing was started. See whether the disk is sound and od works. Then start the remediation again."
  fi
  if [ -n "$1" ] && [ "$reply" != "$1" ]; then
    refuse data-changed 66 "The log in $log_dir is of the cluster $reply, and it was of $1 when this host was looked at: it is another one. Nothing was started. Find out who has replaced the data. Then start the remediation again."
  fi
  if [ -n "$2" ] && [ -n "$log_last" ] && [ "$log_last" -lt "$2" ]; then
    refuse data-changed 66 "The log in $log_dir ends at index $log_last, and went up to $2 at least when this host was looked at: it is another one. Nothing was started. Find out who has replaced the data. Then start the remediation again."
  fi
}
