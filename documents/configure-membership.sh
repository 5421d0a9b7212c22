# shellcheck shell=bash
# parts: common settings membership write-membership
# Writes the cluster's members into the file that etcd really reads, for its next start with an empty data dir. The original stays as
# a copy under the execution's name.
unit='{{ unit }}'
config_file='{{ configFile }}'
initial_cluster='{{ initialCluster }}'
initial_cluster_state='{{ initialClusterState }}'
initial_cluster_token='{{ initialClusterToken }}'
execution='{{ execution }}'

write_membership "$config_file"
succeed "{$reply}"
