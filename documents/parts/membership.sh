# shellcheck shell=bash
# What is written into etcd's configuration, and what is refused to be written.
# shellcheck disable=SC2317

need id

# Prints the file with the new values, in their old places or at the end. Ends with 10 where it says so already, and with 11 and a
# message where it cannot be edited.
# shellcheck disable=SC2016
editor='
function entry(i) { return format == "yaml" ? yaml_entry(i) : env_entry(i) }
function name_of(setting) {
  if (format == "yaml") return setting
  setting = toupper(setting); gsub(/-/, "_", setting)
  return "ETCD_" setting
}
# systemd ignores a line that begins with "export": what is written has none.
function written(name, text) { return name (format == "yaml" ? ": " : "=") "\"" text "\"" (format == "yaml" ? comment : "") }
function ending(i) { return L[i] ~ /\r$/ ? "\r" : "" }
function want(setting, text) { if (text != "" || setting != "initial-cluster-token") { wanted[name_of(setting)] = text; order[++count] = name_of(setting) } }
function give_up(message) { print message; exit 11 }
BEGIN {
  format = ENVIRON["format"]
  load(ENVIRON["file"])
  if (format == "yaml" && (problem = yaml_problem()) != "") give_up(problem)
  want("initial-cluster-state", ENVIRON["initial_cluster_state"])
  want("initial-cluster", ENVIRON["initial_cluster"])
  want("initial-cluster-token", ENVIRON["initial_cluster_token"])
  for (i = 1; i <= lines; i++) {
    if (!entry(i)) continue
    exported = format == "environment" && sub(/^export[ \t]+/, "", key)
    if (key in wanted) {
      place[i] = key; end[i] = last; behind[i] = comment
      if (format == "yaml" && (key in effective)) give_up("it sets " key " more than once")
      # The last one wins; an exported one does not count.
      if (!(key in effective) || !exported || is_exported[effective[key]]) { effective[key] = i; old[key] = value }
      is_exported[i] = exported
    }
    i = last
  }
  for (n = 1; n <= count; n++) {
    key = order[n]
    if (!(key in effective) || is_exported[effective[key]] || old[key] != wanted[key]) { changed = 1; rewrite[key] = 1 }
  }
  if (!changed) exit 10
  for (i = 1; i <= lines; i++) {
    if (!(i in place) || !(place[i] in rewrite)) { print L[i]; continue }
    key = place[i]; comment = behind[i]
    if (effective[key] == i) print written(key, wanted[key]) ending(i)
    for (j = i + 1; j <= end[i]; j++) if (format == "yaml" && L[j] ~ /^[ \t]*\r?$/) print L[j]
    i = end[i]
  }
  comment = ""
  for (n = 1; n <= count; n++) if (!(order[n] in effective)) print written(order[n], wanted[order[n]]) ending(1)
}'

# What would be useless to edit is refused, and told what etcd really reads.
require_in_force() {
  local wanted named_by_real='' in_force
  real_path "$config_file"
  wanted=$reply
  if [ -z "$file" ]; then
    in_force=${environment_files//"$newline"/, }
    refuse config-file-unread 65 "The unit $unit reads ${in_force:-no file at all}, and $config_file is none of them. Name the one that sets ETCD_INITIAL_CLUSTER."
  fi
  case $file in
    /*) ;;
    *) refuse config-file-relative 65 "The unit $unit makes etcd read $file, which is no absolute path. Give the whole path in the unit." ;;
  esac
  if [ -n "$named_by" ]; then case $named_by in /*) real_path "$named_by" && named_by_real=$reply ;; esac; fi
  real_path "$file"
  in_force=$reply
  if [ "$in_force" != "$wanted" ] && { [ -z "$named_by_real" ] || [ "$named_by_real" != "$wanted" ]; }; then
    refuse config-file-other 65 "etcd of the unit $unit reads $file, not $config_file, which would be edited to no effect. Correct the path of the configuration."
  fi
  if [ -n "$overriding" ]; then
    refuse config-overridden 65 "Editing $file would be of no use, for these go before it or contradict it: ${overriding//"$newline"/; }. Remove them, then run this again."
  fi
  file=$in_force
  if [ ! -f "$file" ] || [ ! -r "$file" ]; then
    refuse config-file-unreadable 65 "$file, which etcd of the unit $unit reads, is not there or cannot be read by $(id -un). Check the path, or run this as root."
  fi
}

# require_room_beside: that this account can replace the file by one that looks the same.
require_room_beside() {
  local own
  if is_mount_point "$file"; then
    refuse config-file-mounted 65 "$file is a mount point of its own, so that no edited file can be put in its place. Mount its folder instead."
  fi
  require_changeable "$file" "$(folder_of "$file")"
  if [ ! -w "$(folder_of "$file")" ]; then
    refuse config-folder-closed 65 "No file can be made beside $file. Run this as root, or see whether its file system is read-only or full."
  fi
  read_owner "$file"
  own=$(id -u)
  if [ "$own" != 0 ] && [ "$own" != "$owner_uid" ]; then
    refuse config-owner 65 "$file belongs to the user with ID $owner_uid, and $(id -un) cannot make a file for that one. Run this as root."
  fi
}

# remove_twins FOLDER: what a run that was killed has left beside the configuration; in `removed`, as elements of an array of JSON, empty where there was
# nothing. The command that makes such a file holds the folder's lock.
# shellcheck disable=SC2034
remove_twins() {
  local twin
  removed=''
  for twin in "$1"/.etcd-remediation.??????; do
    if [ ! -f "$twin" ] || [ -L "$twin" ] || ! rm -f -- "$twin"; then continue; fi
    json "$twin"
    removed+="${removed:+,}$reply"
  done
}

# edit_membership: leaves in `edited` what the file has to be, and whether that is `changed`.
# shellcheck disable=SC2034
edit_membership() {
  local status=0
  edited=$(export format file initial_cluster initial_cluster_state initial_cluster_token && awk "$entry_finders$editor" < /dev/null) || status=$?
  changed=true
  case $status in
    0) case $edited in *"$initial_cluster"*) ;; *) fail 1 "awk has edited $file, and the new members are not in what it made of it. Run this again; if it stays so, write them into $file by hand." ;; esac ;;
    10) changed=false ;;
    11) refuse config-not-editable 65 "$file cannot be edited: $edited. Correct it by hand, then run this again." ;;
    *) fail 1 "$file could not be read. What is printed on standard error may say why." ;;
  esac
}
