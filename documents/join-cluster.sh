# shellcheck shell=bash
# parts: common settings membership write-membership service data-dir
# Lets an empty member join. Writes the cluster's members into the file that etcd really reads, starts the service, and waits until it stays up. Refuses
# where data lies in its place, unless the member has begun already.
# If the service does not start, the answer still says what was written.
unit='{{ unit }}'
config_file='{{ configFile }}'
data_dir='{{ dataDir }}'
wal_dir='{{ walDir }}'
initial_cluster='{{ initialCluster }}'
execution='{{ execution }}'
initial_cluster_state=existing initial_cluster_token=''
sent_at='{{ sentAt }}'

# require_no_data: that etcd begins empty, as a member that joins does.
require_no_data() {
  local folder
  find_data "$data_dir" "$wal_dir"
  for folder in "$member" ${wal:+"$wal"}; do
    if is_filled "$folder"; then
      refuse data-in-place 65 "$folder holds data, and the member that joins has to begin empty: etcd would start as the member whose data this is. Nothing was written or started. Find out who has put it there. Then start the remediation again, which moves it aside."
    fi
  done
}

require_this_boot
prepare_membership "$config_file"
if [ "$MainPID" = 0 ]; then require_no_data; fi
put_membership
written=$reply
done_before="{$written}"
# What is started holds no lock.
exec 9>&-
start
service_state
succeed "{$written,$reply}"
