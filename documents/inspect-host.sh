# shellcheck shell=bash
# parts: common data-dir archive-dir raft-log scratch settings membership snapshot transfer at-work rehearsal
# Reads the unit's state and log, whether etcd runs, its version, its data and its configuration. Also checks whether any later script would refuse
# this host. It changes nothing, and removes only what a killed run of ours has left beside the configuration and the data.
unit='{{ unit }}'
data_dir='{{ dataDir }}'
wal_dir='{{ walDir }}'
config_file='{{ configFile }}'
bin_dir='{{ binDir }}'
user='{{ user }}'
group='{{ group }}'
url='{{ url }}'
# What later scripts are given.
execution=inspected initial_cluster=inspected initial_cluster_state=existing initial_cluster_token=''

need systemctl journalctl cat tail sort cut tr

# SSM cuts what a command prints at 24,000 characters.
result_chars=19500
archives_chars=2000
errors_chars=3000
refusals_chars=6000
certificate_chars=4000

# object NAME VALUE...: an object of texts; after ":", the value is JSON already.
object() {
  local pairs=''
  while [ $# -gt 0 ]; do
    case $1 in
      *:) reply=$2 ;;
      *) json "$2" ;;
    esac
    pairs+="${pairs:+,}\"${1%:}\":$reply"
    shift 2
  done
  reply="{$pairs}"
}

# directory PATH FOLDER CONTENTS: what is to be known of a data or wal dir, which leads to FOLDER; CONTENTS is what is etcd's in it.
directory() {
  local real=$2 holder exists=false empty=true mounted=false owner='' owning='' mode='' size=0 free=0
  if [ -d "$real" ]; then
    exists=true
    mode=$(ls -ld -- "$real") || fail 1 "ls does not say whose $real is. See whether the disk is sound, then run this again."
    read -r mode _ owner owning _ <<< "$mode"
    owner=$owner:$owning mode=${mode:0:10}
    # What cannot be read is not known to be empty.
    if [ ! -r "$real" ] || [ ! -x "$real" ] || { [ -d "$3" ] && [ ! -r "$3" ]; } || is_filled "$3"; then empty=false; fi
    if is_mount_point "$real"; then mounted=true; fi
    # Files of a running member come and go while du counts them.
    disk_use "$real" && size=$((reply * 1024))
  fi
  # Where there is no such folder yet, it would be made in the nearest one above.
  holder=$real
  while [ ! -d "$holder" ]; do holder=$(folder_of "$holder"); done
  read_disk "$holder" && free=$free_bytes
  object path "$1" realPath "$real" exists: "$exists" empty: "$empty" isMountPoint: "$mounted" \
    owner "$owner" mode "$mode" sizeBytes: "$size" freeBytes: "$free"
}

list_archives() {
  local entry
  # Earlier releases moved whole data dirs aside.
  for entry in "$1"/member.* "$1".* "$1"/archived.*; do
    case $entry in *.scratch | *.scratch.backup) continue ;; esac
    if [ -d "$entry" ]; then printf '%s\n' "$entry"; fi
  done
}

# Recoveries that were interrupted on this host, as an array of JSON; nothing of theirs is left where they came to their end.
list_recoveries() {
  local folder name prefix found='' count=0
  prefix=$(folder_of "$1")/.etcd-remediation.$(name_of "$1").
  for folder in "$prefix"* "$1"/archived.*.scratch; do
    read_phase "$folder"
    case $reply in '') continue ;; esac
    name=${folder#"$prefix"} name=${name##*/archived.} name=${name%.scratch}
    # An execution's name has no dots: this is of a data dir whose name begins with this one's.
    case $name in *.*) continue ;; esac
    object execution "$name" phase "$reply"
    found+="${found:+,}$reply" count=$((count + 1))
    if [ "$count" = 10 ]; then break; fi
  done
  reply="[$found]"
}

# etcd reads any ETCD_* variable as a flag, even here.
read_version() {
  reply=''
  if [ -x "$bin_dir/etcd" ]; then
    reply=$(env -i PATH="$PATH" ETCD_UNSUPPORTED_ARCH=arm64 "$bin_dir/etcd" --version 2> /dev/null | awk '/^etcd Version:/ { print $3 }') || reply=''
  fi
}

# read_process_state: of the unit's main process, in `reply`: the letter behind its name in /proc, or `frozen` where systemd has frozen the unit;
# empty where there is none, or nobody can tell.
read_process_state() {
  local stat
  reply=''
  if [ "$MainPID" = 0 ]; then return 0; fi
  case $(systemctl show -p FreezerState "$unit" 2> /dev/null) in *=fr*) reply=frozen && return 0 ;; esac
  stat=$(cat "/proc/$MainPID/stat" 2> /dev/null) || return 0
  # The name stands in brackets, and may hold any of these signs itself.
  stat=${stat##*) }
  reply=${stat%% *}
}

# lines CHARS BUDGET: standard input as an array of JSON, each line of at most CHARS, the newest within BUDGET.
lines() {
  od -An -v -tu1 | awk -v lines=1 -v max="$1" -v budget="$2" "$json_program"
}

no_lines() {
  fail 1 'What was found could not be written down, with one of od, awk, cut, sort and tail. What is printed on standard error may say why.'
}

# ask INCIDENT CHECK ARGUMENTS...: runs the check as the scripts of that incident's runbook do, `any` for both, and keeps what it refuses.
ask() {
  local incident=$1 said status
  shift
  set +e
  # A script ends where a check fails; here only this shell does.
  said=$(
    set -e
    trap 'status=$?; if [ "$status" != 0 ]; then on_exit "$status"; fi' EXIT
    exec 3>&1 1>&2
    "$@"
  )
  status=$?
  set -e
  case $status:$said in
    0:*) return 0 ;;
    6[56]:'{"message":'*) ;;
    *) fail 1 "The check $1 ended unexpectedly (status $status): ${said:0:300}" ;;
  esac
  # The same is said once, where several checks begin alike.
  case $refusals in *"${said#\{}"*) return 0 ;; esac
  if [ "$((${#refusals} + ${#said}))" -gt "$refusals_chars" ]; then return 0; fi
  refusals+="${refusals:+,}{\"incident\":\"$incident\",${said#\{}"
}

# What the writing of the membership would refuse.
require_configurable() {
  require_in_force
  require_room_beside
  edit_membership
}

# require_certificates: that every file is there which etcd is told to serve clients with, and to speak to its peers: without one it does not start.
# shellcheck disable=SC2154
require_certificates() {
  local setting missing=''
  for setting in "cert-file=$set_cert_file" "key-file=$set_key_file" "trusted-ca-file=$set_trusted_ca_file" \
    "peer-cert-file=$set_peer_cert_file" "peer-key-file=$set_peer_key_file" "peer-trusted-ca-file=$set_peer_trusted_ca_file"; do
    case $setting in *=/*) ;; *) continue ;; esac
    if [ ! -e "${setting#*=}" ]; then missing+="${missing:+, }${setting#*=} (${setting%%=*})"; fi
  done
  if [ -n "$missing" ]; then
    refuse certificate-missing 65 "etcd's configuration in the unit $unit names files that are missing, or that $(id -un) may not look for: $missing. Without them etcd does not start. Add them, or correct the configuration."
  fi
}

# list_certificates: those that etcd shows to its peers and to clients, and the CAs by which it knows these, each if it is a single one. A JSON array:
# certificates are public. Keys are never read.
list_certificates() {
  local found='' certificate use text client_ca=$set_trusted_ca_file
  # Mostly it is one CA for both.
  if [ "$client_ca" = "$set_peer_trusted_ca_file" ]; then client_ca=''; fi
  for certificate in "peer=$set_peer_cert_file" "server=$set_cert_file" "peer-ca=$set_peer_trusted_ca_file" "client-ca=$client_ca"; do
    use=${certificate%%=*} certificate=${certificate#*=}
    case $certificate in /*) ;; *) continue ;; esac
    if [ ! -f "$certificate" ] || [ ! -r "$certificate" ]; then continue; fi
    # The first one is etcd's own; others lead to its CA.
    text=$(use=$use awk '
      /-----BEGIN CERTIFICATE-----/ { count++; inside = count == 1; next }
      /-----END / { inside = 0 }
      inside { gsub(/[^A-Za-z0-9+\/=]/, ""); text = text $0 }
      END { if (ENVIRON["use"] !~ /-ca$/ || count == 1) print text }' "$certificate")
    if [ "${#text}" -gt "$certificate_chars" ] || { [[ $use = *-ca ]] && [ -z "$text" ]; }; then continue; fi
    object use "$use" file "$certificate" der "$text"
    found+="${found:+,}$reply"
  done
  reply="[$found]"
}

# A place of their own, which is made for the time of a recovery, and only there.
require_scratch() {
  find_scratch "$data_dir" "$execution"
  if [ ! -w "$(folder_of "$scratch")" ]; then
    refuse scratch-impossible 65 "The folder $scratch could not be made, where a recovery would work. See whether its file system is read-only, and that this runs as root."
  fi
}

require_staging() {
  require_reached 'from where this host would fetch the snapshot'
}

# What only later scripts call; one that undoes what others did is among them.
require_tools() {
  need mv rm mkdir rmdir chown ln cp mktemp find sleep date
  has_flock || true
}

require_recovery_tools() {
  need sync env wc tr head sed grep cat chgrp chmod
  require_alone
}

# What a run that was killed has left beside the configuration goes with the next look, unless another run is at work there.
remove_leftovers() {
  local folder=${file%/*}
  removed=''
  if ! command -v flock > /dev/null; then return 0; fi
  if [ -n "$file" ] && [ -d "$folder/" ]; then
    exec 7< "$folder/"
    if flock -n 7; then remove_twins "$folder"; fi
    exec 7<&-
  fi
  remove_rehearsal "$real"
  if [ -n "$reply" ]; then json "$reply" && removed+="${removed:+,}$reply"; fi
  remove_old_scratch "$real"
}

# remove_old_scratch DATA_DIR: the same of copies that were made for a backup, or for a recovery of which nothing was put in place. No recovery takes a
# whole day, so what nobody has touched for one is nobody's. Where the member's own database is gone, such a copy may be the last that there is, and stays.
remove_old_scratch() {
  local folder prefix name minutes count=0
  if [ ! -s "$1/member/snap/db" ]; then return 0; fi
  prefix=$(folder_of "$1")/.etcd-remediation.$(name_of "$1").
  for folder in "$prefix"* "$1"/archived.*.scratch "$1"/archived.*.scratch.backup; do
    if [ ! -d "$folder" ] || [ -L "$folder" ]; then continue; fi
    name=${folder#"$prefix"} name=${name##*/archived.} name=${name%.backup}
    case ${name%.scratch} in *.*) continue ;; esac
    read_phase "$folder"
    if [ -n "$reply" ] || [ "$count" = 10 ]; then continue; fi
    minutes=1440
    if [ -e "$folder/backup" ]; then minutes=$backup_untouched_minutes; fi
    if ! is_abandoned "$folder" "$minutes" || ! rm -rf -- "$folder"; then continue; fi
    json "$folder"
    removed+="${removed:+,}$reply" count=$((count + 1))
  done
}

ask_all() {
  ask any require_tools
  ask any require_loaded
  ask any real_path "$data_dir"
  ask any real_path "$wal_dir"
  # Where a path leads nowhere, nothing can be said of what is there.
  if [ -n "$refusals" ] && [[ $refusals == *'"link-loop"'* ]]; then return 0; fi
  find_data "$data_dir" "$wal_dir"
  ask any require_data_dir
  ask any require_wal_dir "$wal_dir"
  ask any require_nothing_inside
  ask any require_account
  # Its own process holds it, as it must; one that systemd starts again and again may hold it at any moment.
  case $ActiveState in inactive | failed) ask any require_closed ;; esac
  if id -u -- "$user" > /dev/null 2>&1; then ask member-failed require_new_log "$wal_dir"; fi
  ask any require_configurable
  ask any require_certificates
  ask quorum-lost require_recovery_tools
  ask quorum-lost require_scratch
  ask quorum-lost require_snapshot_tools
  ask quorum-lost require_curl
  if [ -n "$url" ]; then ask quorum-lost require_staging; fi
}

refusals=''
read_unit
read_settings "$config_file"
ask_all

object loadState "$LoadState" activeState "$ActiveState" subState "$SubState" result "$Result" \
  mainPid: "$MainPID" restarts: "$NRestarts" exitStatus: "$ExecMainStatus"
unit_state=$reply

listens "${set_listen_client_urls:-http://127.0.0.1:2379}" && client_listens=$reply
listens "${set_listen_peer_urls:-http://127.0.0.1:2380}" && peer_listens=$reply
read_process_state && process_state=$reply
answer_state=unknown answer_id='' answer_problem=''
if [ "$MainPID" != 0 ] && [ "$client_listens" != false ]; then
  ask_member "${set_listen_metrics_urls:-${set_listen_client_urls:-http://127.0.0.1:2379}}"
fi
# Anyone who waits for a disk now and then is not stuck: only one that does so at both looks, before and after etcd was asked.
read_process_state
if [ "$reply" = D ] || [ -z "$reply" ]; then reply=$process_state; fi
process_state=$reply
object clientPortListens: "$client_listens" peerPortListens: "$peer_listens" processState "$process_state" answer "$answer_state" memberId "$answer_id" problem "$answer_problem"
at_work=$reply

read_version
etcd_version=$reply

real=$data_dir member=$data_dir/member wal=''
case $refusals in *'"link-loop"'*) ;; *) find_data "$data_dir" "$wal_dir" ;; esac
remove_leftovers
directory "$data_dir" "$real" "$member"
data_state=$reply
wal_state=null log_dir=$member/wal
if [ -n "$wal_dir" ]; then
  log_dir=${wal:-$wal_dir}
  directory "$wal_dir" "$log_dir" "$log_dir" && wal_state=$reply
fi
log_state=null
read_log "$log_dir" "$member/snap"
if [ -n "$log_holds" ]; then
  object holds "$log_holds" commitIndex "$log_commit" lastIndex "$log_last" commitTerm "$commit_term" lastTerm "$last_term"
  log_state=$reply
fi
read_cluster "$log_dir"
cluster_id=$reply
archives=$(list_archives "$real" | lines 700 "$archives_chars") || no_lines
list_recoveries "$real"
recoveries=$reply

overriding_list=$(printf '%s' "$overriding" | lines 400 2000) || no_lines
# shellcheck disable=SC2154
experimental_list=$(printf '%s' "$experimental" | sort | lines 100 1000) || no_lines
# shellcheck disable=SC2154
object format "$format" file "$file" name "$set_name" dataDir "$set_data_dir" walDir "$set_wal_dir" \
  initialAdvertisePeerUrls "$set_initial_advertise_peer_urls" initialCluster "$set_initial_cluster" \
  initialClusterState "$set_initial_cluster_state" initialClusterToken "$set_initial_cluster_token" \
  overriding: "$overriding_list" experimental: "$experimental_list"
zstd=false
if command -v zstd > /dev/null && [ "$(try_tool zstd)" = 7 ]; then zstd=true; fi
object unit: "$unit_state" atWork: "$at_work" etcdVersion "$etcd_version" zstd: "$zstd" dataDir: "$data_state" walDir: "$wal_state" raftLog: "$log_state" clusterId "$cluster_id" \
  archives: "$archives" recoveries: "$recoveries" refusals: "[$refusals]" configuration: "$reply"
rest="${reply%\}}${removed:+,\"removed\":[$removed]}}"

journal() {
  (journalctl -u "$unit" -n "$1" --no-pager -q -o cat || echo 'journalctl does not say what the unit has logged.') | tail -n "$1"
}

# What has gone wrong since it last served clients.
# shellcheck disable=SC2016
errors_program='
/"msg":"ready to serve client requests"|"msg":"serving client traffic insecurely|ready to serve client requests$/ { count = 0 }
/"level":"(error|fatal|panic)"|"msg":"failed to verify flags"|^error verifying flags|^(panic|fatal error):|^[0-9-]+ [0-9:.]+ [CE] \|/ { line[++count] = $0 }
END { for (i = count > 8 ? count - 7 : 1; i <= count; i++) print line[i] }'
errors=$(journal 200 | awk "$errors_program" | cut -b 1-1600 | lines 400 "$errors_chars") || no_lines
rest="\"errors\":$errors,${rest#\{}"

# They can be read another day; what stops a runbook goes first.
list_certificates
if [ "$((${#rest} + ${#reply}))" -gt "$result_chars" ]; then reply='[]'; fi
rest="\"certificates\":$reply,${rest#\{}"

# Peers that refuse a certificate make dozens of lines a second, and one in a thousand of them says why: the newest of each complaint stands before
# the newest lines. What is two minutes older than the newest line is over, and what a client is refused for is no matter of the peers.
# shellcheck disable=SC2016
complaints_program='
match($0, /[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9][T ][0-9][0-9]:[0-9][0-9]:[0-9][0-9]/) {
  day = substr($0, RSTART, 10)
  second = substr($0, RSTART + 11, 2) * 3600 + substr($0, RSTART + 14, 2) * 60 + substr($0, RSTART + 17, 2)
}
/ready to serve client requests|"msg":"serving client traffic insecurely/ { split("", at) }
/on client endpoint/ { next }
match($0, /remote error: tls: [a-z ]+|x509: [a-z ]+/) {
  what = substr($0, RSTART, RLENGTH); at[what] = NR; line[what] = $0; days[what] = day; seconds[what] = second
}
END {
  for (what in at) {
    age = second - seconds[what] + (days[what] == day ? 0 : 86400)
    if (at[what] <= NR - newest && age >= 0 && age <= 120) print at[what] "\t" line[what]
  }
}'
complaints() {
  journal 5000 | cut -b 1-1600 | awk -v newest="$1" "$complaints_program" | sort -n | cut -f 2- | tail -n 8
}

# The log gets what room is left; a message may have several lines, and bytes of any kind.
log=$({ complaints 20 && journal 20 | cut -b 1-1600; } | lines 400 $((result_chars - ${#rest}))) || no_lines
succeed "{\"log\":$log,$rest"
