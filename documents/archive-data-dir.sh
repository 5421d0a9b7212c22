# shellcheck shell=bash
# parts: common data-dir archive-dir
# Moves the data of a stopped member aside under the execution's name, so that etcd starts empty. May be run again after it was
# interrupted at any point; never overwrites and never deletes.
unit='{{ unit }}'
data_dir='{{ dataDir }}'
wal_dir='{{ walDir }}'
user='{{ user }}'
group='{{ group }}'
execution='{{ execution }}'
sent_at='{{ sentAt }}'

need systemctl
require_this_boot
find_data "$data_dir" "$wal_dir"
lock "$(folder_of "$real")"
require_stopped 'its data is moved'
require_archivable
require_new_log "$wal_dir"
archive_data
succeed "$reply"
