# shellcheck shell=bash
# parts: common settings
# Writes the cluster's members into the file that etcd really reads, for its next start with an empty data dir. The original stays as
# a copy under the execution's name.
unit='{{ unit }}'
config_file='{{ configFile }}'
initial_cluster='{{ initialCluster }}'
initial_cluster_state='{{ initialClusterState }}'
initial_cluster_token='{{ initialClusterToken }}'
execution='{{ execution }}'

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
    fail 65 "The unit $unit reads ${in_force:-no file at all}, and $config_file is none of them. Name the one that sets ETCD_INITIAL_CLUSTER."
  fi
  case $file in
    /*) ;;
    *) fail 65 "The unit $unit makes etcd read $file, which is no absolute path. Give the whole path in the unit." ;;
  esac
  if [ -n "$named_by" ]; then case $named_by in /*) real_path "$named_by" && named_by_real=$reply ;; esac; fi
  real_path "$file"
  in_force=$reply
  if [ "$in_force" != "$wanted" ] && { [ -z "$named_by_real" ] || [ "$named_by_real" != "$wanted" ]; }; then
    fail 65 "etcd of the unit $unit reads $file, not $config_file, which would be edited to no effect. Correct the path of the configuration."
  fi
  if [ -n "$overriding" ]; then
    fail 65 "Editing $file would be of no use, for these go before it or contradict it: ${overriding//"$newline"/; }. Remove them, then run this again."
  fi
  file=$in_force
  if [ ! -f "$file" ] || [ ! -r "$file" ]; then
    fail 65 "$file, which etcd of the unit $unit reads, is not there or cannot be read by $(id -un). Check the path, or run this as root."
  fi
}

temporary=''
trap 'status=$?; if [ -n "$temporary" ]; then rm -f -- "$temporary"; fi; on_exit "$status"' EXIT

# A temporary file beside the real one, with its owner and mode; never seen half written under its name.
make_twin() {
  local mode uid gid twin_mode twin_uid twin_gid
  temporary=$(mktemp "$(dirname -- "$file")/.etcd-remediation.XXXXXX") ||
    fail 65 "No file can be made beside $file. Run this as root, or see whether its file system is read-only or full."
  cp -p -- "$file" "$temporary"
  read -r mode _ uid gid _ <<< "$(ls -ln -- "$file")"
  read -r twin_mode _ twin_uid twin_gid _ <<< "$(ls -ln -- "$temporary")"
  [ "${mode:0:10} $uid $gid" = "${twin_mode:0:10} $twin_uid $twin_gid" ] ||
    fail 65 "$file belongs to the user with ID $uid, and $(id -un) cannot make a file for that one. Run this as root."
}

read_unit
[ "$LoadState" = loaded ] || fail 65 "The unit $unit is $LoadState on this host, so nobody can say what etcd reads. Check the unit's name."
read_settings "$config_file"
require_in_force
lock "$(dirname -- "$file")"

copy=$file.$execution
status=0
edited=$(export format file initial_cluster initial_cluster_state initial_cluster_token && awk "$entry_finders$editor" < /dev/null) || status=$?
changed=true
case $status in
  0) ;;
  10) changed=false ;;
  11) fail 65 "$file cannot be edited: $edited. Correct it by hand, then run this again." ;;
  *) fail 1 "$file could not be read. What is printed on standard error may say why." ;;
esac
if [ "$changed" = true ]; then
  # Linked, not moved: a link never replaces the copy of an earlier run.
  if [ ! -e "$copy" ]; then
    make_twin
    ln -- "$temporary" "$copy"
    rm -f -- "$temporary"
  fi
  make_twin
  printf '%s\n' "$edited" > "$temporary"
  mv -f -- "$temporary" "$file"
  temporary=''
elif [ ! -e "$copy" ]; then
  copy=''
fi
json "$file" && file=$reply
json "$copy"
succeed "{\"file\":$file,\"copy\":$reply,\"changed\":$changed}"
