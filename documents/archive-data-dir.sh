# shellcheck shell=bash
# parts: common data-dir archive-dir
# Moves the data of a stopped member aside under the execution's name, and leaves an empty data dir. May be run again after it was
# interrupted at any point; never overwrites and never deletes.
unit='{{ unit }}'
data_dir='{{ dataDir }}'
wal_dir='{{ walDir }}'
user='{{ user }}'
group='{{ group }}'
execution='{{ execution }}'

real_path "$data_dir"
lock "$(dirname -- "$reply")"
require_stopped 'its data is moved'
separate_wal_dir "$data_dir" "$wal_dir"
wal_dir=$reply
require_archivable "$data_dir" data
if [ -n "$wal_dir" ]; then require_archivable "$wal_dir" wal; fi

archive_dir "$data_dir"
json "$reply" && data_archive=$reply
reply=''
if [ -n "$wal_dir" ]; then archive_dir "$wal_dir"; fi
json "$reply"
succeed "{\"dataDir\":$data_archive,\"walDir\":$reply}"
