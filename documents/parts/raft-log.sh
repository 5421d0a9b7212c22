# shellcheck shell=bash
# What the files of a member's log tell, without etcd. A record is its length in eight bytes, and then a protobuf message, which holds another one
# (https://github.com/etcd-io/etcd/blob/v3.5.16/server/storage/wal/walpb/record.proto); what is behind the last record is zeros.
# shellcheck disable=SC2317

# Reads bytes as od prints them. awk's numbers have 53 bits, so an ID is put together bit by bit.
# shellcheck disable=SC2016
log_program='
function varint(   value, factor, k) {
  value = 0; factor = 1; bits = 0
  do {
    for (k = 0; k < 7; k++) bit[bits++] = int(byte[at] / 2 ^ k) % 2
    value += byte[at] % 128 * factor
    factor *= 128
  } while (byte[at++] >= 128 && at < size)
  return value
}
function hex(   digits, n) {
  digits = ""
  while (bits % 4) bit[bits++] = 0
  for (n = bits - 4; n >= 0; n -= 4) {
    digits = digits substr("0123456789abcdef", 1 + bit[n] + 2 * bit[n + 1] + 4 * bit[n + 2] + 8 * bit[n + 3], 1)
  }
  sub(/^0+/, "", digits)
  return digits
}
# Whether a whole record begins there: its `type`, where its content is, and where the `following` one begins.
function is_record(start,   i, tag, value) {
  if (start + 8 > size) return 0
  length_of_it = 0
  for (i = 6; i >= 0; i--) length_of_it = length_of_it * 256 + byte[start + i]
  at = start + 8
  behind = at + length_of_it
  following = behind + (byte[start + 7] >= 128 ? byte[start + 7] % 8 : 0)
  if (length_of_it == 0 || following > size) return 0
  type = 0; from = 0; to = 0
  while (at < behind) {
    tag = byte[at++]
    value = varint()
    if (tag == 8) type = value
    else if (tag == 26) { from = at; at += value; to = at }
    else if (tag != 16) return 0
  }
  return at == behind && type >= 1 && type <= 5
}
# Whether the content can be read: the numbers in it, by field.
function is_read(   tag) {
  split("", field)
  at = from
  while (at < to) {
    tag = byte[at++]
    if (tag < 8) return 0
    if (tag % 8 == 0) field[int(tag / 8)] = varint()
    else if (tag % 8 == 2) at += varint()
    else return 0
    if (type == 1 && tag == 16) cluster = hex()
  }
  return at == to
}
function is_end(start,   i) {
  if (start + 8 > size) return 0
  for (i = 0; i < 8; i++) if (byte[start + i] != 0) return 0
  return 1
}
BEGIN { size = 0 }
{ for (i = 1; i <= NF; i++) byte[size++] = $i }
'

# read_cluster FOLDER: the ID of the cluster whose log is in it, in hex as etcd prints it, in `reply`; empty where no file of it says so. Each begins
# with two records, of which the second holds the IDs of member and cluster.
read_cluster() {
  local file
  reply=''
  for file in "$1"/*.wal; do
    if [ ! -f "$file" ]; then continue; fi
    reply=$(od -An -v -tu1 -N 256 < "$file" | awk "$log_program"'
      END {
        for (record = 0; record < 2 && is_record(start); record++) {
          if (is_read() && cluster != "") break
          start = following
        }
        print cluster
      }') || reply=''
    if [ -n "$reply" ]; then return 0; fi
  done
}

# Entries show at once. A member that waits for the others writes its votes down, before etcd 3.5 every second: a member that has written nothing else in
# so many hours holds nothing.
log_heads='16384 1048576'
log_block=16384

# begins FILE: whether etcd finds a record where a file of its log begins. A length of zero is the end of the file to it. What cannot be read may hold one.
begins() {
  local head
  if [ ! -s "$1" ]; then return 1; fi
  head=$(od -An -v -tx1 -N 8 < "$1") || return 0
  case $head in '' | *[1-9a-f]*) return 0 ;; esac
  return 1
}

# read_log LOG_FOLDER SNAP_FOLDER: leaves `log_holds`: empty where there is no log, else
#   entries   what someone has written, or a leader has
#   nothing   the list of members that it was begun with, and what its member has voted since: a member that has lost its data, and was started again
#   empty     no file of it begins with a record, so etcd does not start on it
#   unknown   a record cannot be read, by etcd neither
# and the `log_commit`, up to which index it is known as committed at least, and its `log_last` index; and the terms of both entries; each empty if
# unknown.
# shellcheck disable=SC2034
read_log() {
  local file bytes first='' last='' snapshot='' term='' begun=''
  log_holds='' log_commit='' log_last='' commit_term='' last_term=''
  for file in "$1"/*.wal; do
    if [ ! -e "$file" ]; then continue; fi
    first=${first:-$file} last=$file
    if [ -z "$begun" ] && begins "$file"; then begun=yes; fi
  done
  if [ -z "$first" ]; then return 0; fi
  log_holds=unknown
  # What a snapshot holds was committed. Its name is the term and the index.
  for file in "$2"/*.snap; do
    if [ ! -e "$file" ]; then continue; fi
    log_holds=entries
    if [[ ${file##*/} =~ ^([0-9a-f]{16})-([0-9a-f]{16})\.snap$ ]]; then term=$((16#${BASH_REMATCH[1]})) snapshot=$((16#${BASH_REMATCH[2]})); fi
  done
  # A log that has grown out of its first file, or has none of its first any more.
  case $first:$last in "$1/0000000000000000-0000000000000000.wal:$first") ;; *) log_holds=entries ;; esac
  if [ -z "$begun" ]; then
    log_holds=empty log_commit=$snapshot commit_term=$term
    return 0
  fi
  if [ ! -r "$last" ]; then return 0; fi
  for bytes in $log_heads; do
    if [ "$log_holds" != unknown ]; then break; fi
    log_holds=$(od -An -v -tu1 -N "$bytes" < "$first" | awk "$log_program"'
      END {
        holds = "unknown"
        while (is_record(start) && is_read()) {
          if (type == 1) begun = 1
          # An entry of another kind than a change of the members; or a snapshot that was restored or received.
          if (type == 2 && field[1] + 0 == 0 || type == 5 && field[1] + 0 > 0) { holds = "entries"; break }
          start = following
        }
        if (holds == "unknown" && begun && (is_end(start) || size >= 1048576 && size - start < 4096)) holds = "nothing"
        print holds
      }') || log_holds=unknown
  done
  read_end "$last"
  if [ -n "$snapshot" ] && { [ -z "$log_commit" ] || [ "$snapshot" -gt "$log_commit" ]; }; then log_commit=$snapshot commit_term=$term; fi
}

# read_end FILE: of the records before the zeros, found by halves. What is read has to be whole records up to there, for a value may hold zeros. To read
# bytes takes its time, so further ones are read only where a large record began in them.
read_end() {
  local low=0 high middle back before=0
  # A file is called after the first index that goes into it.
  if [[ ${1##*/} =~ ^[0-9a-f]{16}-([0-9a-f]{16})\.wal$ ]]; then before=$((16#${BASH_REMATCH[1]})); fi
  if [ "$before" -gt 0 ]; then before=$((before - 1)); fi
  size_of "$1" && high=$((reply / log_block))
  while [ "$((high - low))" -gt 1 ]; do
    middle=$(((low + high) / 2))
    case $(od -An -v -tx1 -j "$((middle * log_block))" -N 64 < "$1") in
      *[1-9a-f]*) low=$middle ;;
      *) high=$middle ;;
    esac
  done
  for back in 0 4; do
    read_records "$1" "$((low > back ? low - back : 0))" "$((back + 2))" "$before"
    if [ -n "$log_commit" ] && [ -n "$log_last" ]; then return 0; fi
    if [ "$low" -eq 0 ]; then return 0; fi
  done
}

# read_records FILE FIRST_BLOCK BLOCKS BEFORE: what the records in these blocks say, if they are whole up to zeros.
read_records() {
  read -r log_commit log_last commit_term last_term <<< "$(od -An -v -tu1 -j "$(($2 * log_block))" -N "$(($3 * log_block))" < "$1" | awk -v skip="$2" -v before="$4" "$log_program"'
    # What is at the index, and has this term.
    function keep(term) { terms[text(last)] = last_term = term }
    function text(value) { return value == "" ? "-" : sprintf("%.0f", value) }
    END {
      # Where it does not begin with the file, a record begins at one of every eight bytes.
      for (begin = 0; begin < size && !(skip == 0 && begin > 0); begin += 8) {
        if (is_end(begin)) continue
        commit = skip == 0 ? 0 : ""
        last = skip == 0 ? before : ""
        last_term = ""
        split("", terms)
        for (start = begin; is_record(start) && is_read(); start = following) {
          if (type == 2) { last = field[3]; keep(field[2]) }
          if (type == 3) commit = field[3] + 0
          if (type == 5 && field[1] > commit + 0) commit = field[1]
          if (type == 5 && field[1] > last + 0) { last = field[1]; keep(field[2]) }
        }
        if (start > begin && is_end(start)) break
        commit = last = last_term = ""
        split("", terms)
      }
      print text(commit), text(last), text(terms[text(commit)]), text(last_term)
    }')"
  log_commit=${log_commit#-} log_last=${log_last#-} commit_term=${commit_term#-} last_term=${last_term#-}
}
