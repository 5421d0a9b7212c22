# shellcheck shell=bash
# parts: common settings membership write-membership service
# Lets an empty member join. Writes the cluster's members into the file that etcd really reads, starts the service, and waits until it stays up.
# If the service does not start, the answer still says what was written.
unit='{{ unit }}'
config_file='{{ configFile }}'
initial_cluster='{{ initialCluster }}'
execution='{{ execution }}'
initial_cluster_state=existing initial_cluster_token=''
sent_at='{{ sentAt }}'

require_this_boot
write_membership "$config_file"
written=$reply
done_before="{$written}"
# What is started holds no lock.
exec 9>&-
start
service_state
succeed "{$written,$reply}"
