# shellcheck shell=bash
# parts: common data-dir scratch snapshot compression transfer restore
# Restores a snapshot into the scratch folder, beside the data dir, which stays as it is. May be run again.
data_dir='{{ dataDir }}'
wal_dir='{{ walDir }}'
bin_dir='{{ binDir }}'
user='{{ user }}'
group='{{ group }}'
execution='{{ execution }}'
name='{{ name }}'
peer_urls='{{ peerUrls }}'
initial_cluster='{{ initialCluster }}'
initial_cluster_token='{{ initialClusterToken }}'
sha256='{{ sha256 }}'
hash_check='{{ hashCheck }}'
revision='{{ revision }}'
size_bytes='{{ sizeBytes }}'
bump_revision='{{ bumpRevision }}'
url='{{ url }}'

restore_snapshot
succeed "$result"
