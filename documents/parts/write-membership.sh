# shellcheck shell=bash
# How the cluster's members are written into etcd's configuration. The original stays as a copy under the execution's name.
# shellcheck disable=SC2317

# The folder that the script has locked with another descriptor than this part does.
locked=''
temporary=''
need mktemp cp mv rm ln
to_free=drop_temporary
drop_temporary() {
  if [ -n "$temporary" ]; then rm -f -- "$temporary"; fi
}

# A temporary file beside the real one, with its owner and mode; never seen half written under its name.
make_twin() {
  local owner
  temporary=$(mktemp "$(folder_of "$file")/.etcd-remediation.XXXXXX") || temporary=''
  [ -n "$temporary" ] ||
    fail 1 "No file can be made beside $file by mktemp. See whether its file system is full, then run this again."
  cp -p -- "$file" "$temporary"
  read_owner "$file"
  owner="${owner_mode:0:10} $owner_uid $owner_gid"
  read_owner "$temporary"
  [ "$owner" = "${owner_mode:0:10} $owner_uid $owner_gid" ] ||
    fail 1 "What was made beside $file has not its owner and mode. See whether the file system keeps these, then run this again."
}

# prepare_membership CONFIG_FILE: asks whatever could be refused, and changes nothing. Leaves what `file` is to be edited, and how.
# shellcheck disable=SC2154
prepare_membership() {
  require_loaded
  read_settings "$1"
  require_in_force
  # Where it is beside the data, a script that moves that holds the lock already.
  if [ "$(folder_of "$file")" != "$locked" ]; then lock "$(folder_of "$file")"; fi
  require_room_beside
  edit_membership
}

# put_membership: leaves in `reply`, as members of an object in JSON, what was written and where.
# shellcheck disable=SC2154
put_membership() {
  local copy=$file.$execution
  remove_twins "${file%/*}"
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
  reply="\"file\":$file,\"copy\":$reply,\"changed\":$changed${removed:+,\"removed\":[$removed]}"
}
