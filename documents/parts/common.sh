#!/usr/bin/env bash
# What every host script begins with. Only the last line of standard output counts, so everything else goes to standard error.
# Written for bash 3.2 and awk without extensions, for hosts differ. Functions leave what they found in `reply`: a subshell could
# not end the script with a message. Each script calls only some of them.
# shellcheck disable=SC2317
set -Eeuo pipefail
# Bytes are bytes: what a host's files and logs hold need not be UTF-8.
export LC_ALL=C
umask 077
exec 3>&1 1>&2

told=''
failed_command=''
# What the script has changed already, as JSON; empty while that is nothing. It is told where the rest of it fails.
done_before=''

# Turns bytes (decimal, as od prints them) into JSON: one string, or an array of the newest lines that fit into `budget`. ASCII only.
# shellcheck disable=SC2016
json_program='
function add(piece) { if (chars < max) { text = text piece; chars++ } }
function put(point) {
  if (point == 10 && lines) { ended[++count] = text; text = ""; chars = 0 }
  else if (point == 10) add("\\n")
  else if (point == 9) add("\\t")
  else if (point == 34 || point == 92) add("\\" sprintf("%c", point))
  else if (point >= 32 && point < 127) add(sprintf("%c", point))
  else if (point < 65536) add(sprintf("\\u%04x", point))
  else add(sprintf("\\u%04x\\u%04x", 55296 + int((point - 65536) / 1024), 56320 + (point - 65536) % 1024))
}
function take(byte) {
  if (left > 0 && byte >= 128 && byte < 192) {
    code = code * 64 + byte - 128
    if (--left == 0) put((code < least || code > 1114111 || (code >= 55296 && code < 57344)) ? 65533 : code)
    return
  }
  if (left > 0) put(65533)
  left = 0
  if (byte < 128) put(byte)
  else if (byte >= 194 && byte < 224) { left = 1; code = byte - 192; least = 128 }
  else if (byte >= 224 && byte < 240) { left = 2; code = byte - 224; least = 2048 }
  else if (byte >= 240 && byte < 245) { left = 3; code = byte - 240; least = 65536 }
  else put(65533)
}
{ for (i = 1; i <= NF; i++) take($i + 0) }
END {
  if (left > 0) put(65533)
  if (!lines) { printf "\"%s\"", text; exit }
  if (text != "") ended[++count] = text
  for (first = count; first > 0 && (budget -= length(ended[first]) + 3) >= 0; first--) { }
  printf "["
  for (i = first + 1; i <= count; i++) printf "%s\"%s\"", (i > first + 1 ? "," : ""), ended[i]
  printf "]"
}'

# to_json TEXT: as a string of JSON, of at most 4096 characters; returns 1 where od or awk does not do it.
to_json() {
  case $1 in
    *[!\ -~]* | *\"* | *\\*) reply=$(printf '%s' "$1" | od -An -v -tu1 | awk -v max=4096 "$json_program") && [ "${#reply}" -gt 2 ] ;;
    *) reply="\"${1:0:4096}\"" ;;
  esac
}

# json TEXT: the same; what a script has found is reported as it is, or not at all.
json() {
  to_json "$1" || fail 1 'od or awk does not work on this host, and results are written with them. Find out why, then run this again.'
}

# json_message TEXT: the same without any program. A reason has to come through, whatever is missing here.
json_message() {
  if to_json "$1"; then return 0; fi
  reply=${1//[!\ -~]/?} reply=${reply//\"/\'} reply=${reply//\\//}
  reply="\"${reply:0:4096}\""
}

# The function that frees the disk that the script has taken, where it has. It runs before anything is reported: SSM Agent stores what a script
# says on its own disk, and where that is full the reason is lost.
to_free=''
free_disk() {
  local function=$to_free
  to_free=''
  if [ -n "$function" ]; then "$function" || true; fi
}

# tell LINE: the one line that counts.
tell() {
  free_disk
  told=yes
  printf '%s\n' "$1" >&3
}

# succeed JSON: prints the result.
succeed() {
  tell "$1"
  exit 0
}

# fail EXIT_CODE MESSAGE
fail() {
  json_message "$2"
  tell "{\"message\":$reply${done_before:+,\"done\":$done_before}}"
  exit "$1"
}

# refuse NAME EXIT_CODE MESSAGE: ends the script like fail, with 65 or 66, before anything was changed. By its name a test knows that inspect-host
# asks for the same reason before the first script runs, or why it cannot.
refuse() {
  if [ -n "$done_before" ]; then fail 1 "$3"; fi
  json_message "$3"
  tell "{\"message\":$reply,\"refusal\":\"$1\"}"
  exit "$2"
}

on_exit() {
  if [ -n "$told" ]; then return; fi
  fail 1 "The script ended unexpectedly (status $1)${failed_command:+ at: $failed_command}. What it has printed on standard error may say why."
}
trap 'on_exit $?' EXIT
trap 'failed_command=$BASH_COMMAND' ERR
# A second signal, which a shutdown may well send, must not add a second line.
on_signal() {
  trap '' HUP INT TERM
  if [ -n "$told" ]; then return; fi
  fail 1 'The script was ended from outside before it was done. It may be run again.'
}
trap on_signal HUP INT TERM

# try_tool TOOL: a small task of which the answer is known. A tool needs none if its exit status is checked wherever it is used. It takes the place of
# the subshell that it is called in.
try_tool() {
  case $1 in
    awk) exec awk 'BEGIN { print 7 }' ;;
    cat | sort) printf '7\n' | exec "$1" ;;
    cmp) if printf '' | cmp -s - /dev/null && ! printf 7 | cmp -s - /dev/null; then echo 7; fi ;;
    curl) exec curl -q --version ;;
    cut) printf '7\n' | exec cut -b 1-9 ;;
    date) exec date +%s ;;
    dd) printf 7 | exec dd bs=1 count=1 ;;
    df) exec df -P -k / ;;
    du) exec du -sk /dev/null ;;
    env) exec env -i PATH="$PATH" env ;;
    find) exec find / -prune -print ;;
    grep) printf '7\n' | exec grep -e 7 ;;
    gzip) printf 7 | gzip -n -1 -c | exec gzip -dc ;;
    head | tail) printf '7\n' | exec "$1" -n 1 ;;
    id) exec id -u ;;
    ls) exec ls -d -- / ;;
    od) printf 7 | exec od -An -v -tu1 ;;
    sed) printf '7\n' | exec sed 's/7/8/' ;;
    openssl) exec openssl dgst -sha256 -r < /dev/null ;;
    sha256sum) exec sha256sum < /dev/null ;;
    shasum) exec shasum -a 256 < /dev/null ;;
    tee) printf '7\n' | exec tee ;;
    tr) printf 7 | exec tr 7 8 ;;
    wc) exec wc -c < /dev/null ;;
    zstd) printf 7 | zstd -q -1 -T4 -c | exec zstd -q -dc ;;
    *) echo 7 ;;
  esac
}

# need TOOL...: that each is there and does its work. A tool that is missing, or fails, says nothing; and a script would take that for an answer: that
# nothing is mounted here, that nothing was written, that two files are the same. So each part names what it calls before anything is done.
needed=''
need() {
  local tool said
  for tool in "$@"; do
    case " $needed " in *" $tool "*) continue ;; esac
    command -v "$tool" > /dev/null || refuse tool-missing 65 "This host has no $tool, which this command needs. Install it, or see why it is not in $PATH. Then run this again."
    said=$(try_tool "$tool") || said=''
    [ -n "$said" ] ||
      refuse tool-broken 65 "$tool does not work on this host: it was given a small task, and failed or said nothing. Run it by hand to see why, then run this again."
    needed+=" $tool"
  done
}
need awk od df ls readlink

# number TEXT: 0 for what is none; an old systemd does not know every property.
number() {
  case $1 in '' | *[!0-9]*) reply=0 ;; *) reply=$1 ;; esac
}

# Reads the state of the unit into variables of the properties' names.
# shellcheck disable=SC2034,SC2154
read_unit() {
  local output line
  output=$(systemctl show -p LoadState -p ActiveState -p SubState -p Result -p MainPID -p NRestarts -p ExecMainStatus "$unit") ||
    fail 1 "systemctl cannot show the unit $unit; see whether systemd answers on this host."
  LoadState='' ActiveState='' SubState='' Result='' MainPID=0 NRestarts=0 ExecMainStatus=0
  while IFS= read -r line; do
    case $line in
      LoadState=*) LoadState=${line#*=} ;;
      ActiveState=*) ActiveState=${line#*=} ;;
      SubState=*) SubState=${line#*=} ;;
      Result=*) Result=${line#*=} ;;
      MainPID=*) number "${line#*=}" && MainPID=$reply ;;
      NRestarts=*) number "${line#*=}" && NRestarts=$reply ;;
      ExecMainStatus=*) number "${line#*=}" && ExecMainStatus=$reply ;;
    esac
  done <<< "$output"
  [ -n "$ActiveState" ] || fail 1 "systemctl says nothing of the state of the unit $unit; see whether systemd answers on this host."
}

# require_loaded: that systemd knows the unit, and would start it.
require_loaded() {
  read_unit
  case $LoadState in
    loaded) ;;
    not-found) refuse unit-missing 65 "This host has no unit $unit (not-found). Check the unit's name, and whether this is the right host." ;;
    masked) refuse unit-masked 65 "The unit $unit is masked, so it cannot be started. Find out who masked it and why, then run \"systemctl unmask $unit\"." ;;
    *) refuse unit-not-loaded 65 "systemd could not load the unit $unit: it is $LoadState. \"systemctl status $unit\" says why." ;;
  esac
}

# Nobody writes where data is moved. `what` is what the script is about to do.
require_stopped() {
  local what=$1
  require_loaded
  case $ActiveState:$MainPID in
    inactive:0 | failed:0) ;;
    *) refuse unit-runs 65 "The unit $unit is $ActiveState ($SubState) with process $MainPID. Stop it before $what." ;;
  esac
}

# An agent that has lost its memory in a crash runs a command again when its host is up: hours may have passed for the cluster, and systemd may start
# etcd at any moment. The clocks of whoever sends and of the host may differ by some seconds.
# shellcheck disable=SC2154
require_this_boot() {
  local up='' now
  need date
  # Only drills run where there is no Linux.
  if [ ! -e /proc/self ]; then return 0; fi
  read -r up _ < /proc/uptime || up=''
  [ -n "$up" ] || fail 1 "/proc/uptime cannot be read, so nobody knows whether this host was started since this command was sent. Run this as root."
  number "${up%%.*}" && up=$reply
  now=$(date +%s)
  if [ "$((sent_at + 5))" -lt "$((now - up))" ]; then
    refuse sent-before-boot 65 "This command was sent before this host was started, $up s ago, so it is not run: the cluster may have changed since. If the host was not restarted, see whether its clock is right."
  fi
}

# folder_of PATH and name_of PATH: as dirname and basename say it, of a path that does not end in a slash.
folder_of() {
  local folder=${1%/*}
  case $1 in
    */*) printf '%s' "${folder:-/}" ;;
    *) printf . ;;
  esac
}
name_of() {
  printf '%s' "${1##*/}"
}

# real_path PATH: where it leads in the end, whether that exists or not.
real_path() {
  local path=$1 folder target hops
  for ((hops = 0; hops < 40; hops++)); do
    folder=$(cd -P -- "$(folder_of "$path")" 2> /dev/null && pwd -P) || break
    path="${folder%/}/$(name_of "$path")"
    if [ ! -L "$path" ]; then break; fi
    target=$(readlink "$path") || target=''
    [ -n "$target" ] || fail 1 "readlink does not say where $path leads. Run \"readlink $path\" to see why, then run this again."
    case $target in
      /*) path=$target ;;
      *) path="${folder%/}/$target" ;;
    esac
  done
  [ "$hops" -lt 40 ] || refuse link-loop 65 "$1 is a link that leads nowhere: after 40 links it still is one. Check the links."
  reply=$path
}

# read_disk PATH: leaves where the file system of PATH is mounted, `mounted_at`, and how much of it is free, `free_bytes`.
read_disk() {
  local said reply
  said=$(df -P -k "$1" | awk 'NR == 2 { print $(NF - 2), $NF }') || said=''
  read -r free_bytes mounted_at <<< "$said"
  [ -n "$mounted_at" ] || fail 1 "df and awk do not say which file system $1 is on. See whether its disk is sound and is mounted, then run this again."
  number "$free_bytes" && free_bytes=$((reply * 1024))
}

is_mount_point() {
  if [ ! -e "$1" ]; then return 1; fi
  read_disk "$1"
  [ "$mounted_at" = "$1" ]
}

# read_owner PATH: leaves its `owner_mode`, `owner_uid` and `owner_gid`.
# shellcheck disable=SC2034
read_owner() {
  local said
  said=$(ls -ldn -- "$1") || said=''
  read -r owner_mode _ owner_uid owner_gid _ <<< "$said"
  [ -n "$owner_gid" ] || fail 1 "ls does not say whose $1 is. See whether the disk is sound, then run this again."
}

# read_line FILE: the first line of a file that a script has written, in `reply`.
read_line() {
  reply=''
  { [ -r "$1" ] && read -r reply < "$1" && [ -n "$reply" ]; } || fail 1 "$1 cannot be read, or is empty, although a run of this execution has written it. See whether the disk is sound."
}

# require_changeable PATH...: what is marked as immutable or append-only nobody can move or replace, root included. Where there is no lsattr, or the
# file system knows no marks, nothing is said.
require_changeable() {
  local path marks
  for path in "$@"; do
    marks=$(lsattr -d -- "$path" 2> /dev/null) || true
    marks=${marks%% *}
    case $marks in
      *[ia]*) refuse immutable 65 "$path is marked as immutable or append-only ($marks), so it cannot be moved or replaced. Find out who has marked it, and why. Then run \"chattr -i -a $path\"." ;;
    esac
  done
}

# Names of what is in a folder, a line each; what we have moved aside in it, and a file system's own folder, do not count.
list_contents() {
  local entry name
  for entry in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    name=${entry##*/}
    if [ ! -e "$entry" ] && [ ! -L "$entry" ]; then continue; fi
    case $name in lost+found | archived.*) ;; *) printf '%s\n' "$name" ;; esac
  done
}

# has_flock: Linux has it, and without it runs could not be kept apart there. macOS, where drills run as well, has none.
has_flock() {
  if [ -e /proc/self ]; then need flock; fi
  command -v flock > /dev/null
}

# lock FOLDER [FD [SECONDS]]: one run at a time, until this process ends; another one is waited for so long. The lock is the folder itself, so nothing
# is left behind.
lock() {
  if [ ! -d "$1" ] || ! has_flock; then return 0; fi
  eval "exec ${2:-9}< \"\$1\""
  if [ -n "${3:-}" ]; then set -- "$1" "${2:-9}" -w "$3"; else set -- "$1" "${2:-9}" -n; fi
  flock "${@:3}" "$2" || refuse another-run 65 "Another run works in $1 now, and holds its lock (flock). Wait until that run has ended, then run this one again."
}
