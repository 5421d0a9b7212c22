# shellcheck shell=bash
# Reads and writes an object through its presigned `url`. Anyone who knows the URL may use it, so it is in no message and in no command line,
# which others could see.
# shellcheck disable=SC2317

# how_to_reach: what lets this host reach `url`; in `reply`. S3 itself is never asked without TLS.
how_to_reach() {
  case $url in
    http://*) reply='Where this runs without AWS, give --staging-address with an address of that machine which the hosts reach.' ;;
    *) reply='See whether routes, security groups, the VPC endpoint of S3 and the proxy let this host reach it.' ;;
  esac
}

need rm tr head sed sleep

require_curl() {
  command -v curl > /dev/null || refuse curl-missing 65 "This host has no curl, which sends and fetches snapshots. Install it."
  need curl
}

# require_reached WHAT: that S3, or what stands for it, is reached from here. Any answer will do: there is no such object. WHAT is what it would be for.
require_reached() {
  local said host=${url#*://}
  host=${host%%/*}
  require_curl
  said=$(printf 'url = "%s"\n' "$url" | curl -q --config - --globoff --silent --show-error --connect-timeout 5 --max-time 10 --output /dev/null 2>&1) ||
    { how_to_reach && refuse staging-unreachable 65 "${url%%/*}//$host, $1, is not reached: ${said:0:200}. $reply"; }
}

transfer_tries=5
# A connection over which nothing comes any more would be waited for without end.
stalled_after_seconds=60

# transfer FILE ARGUMENTS...: leaves S3's answer in FILE and its headers in FILE.headers. Ends the script where it fails.
transfer() {
  local file=$1 attempt code status=0 pause=1
  shift
  require_curl
  for ((attempt = 1; attempt <= transfer_tries; attempt++)); do
    rm -f -- "$file"
    code=0
    status=$(printf 'url = "%s"\n' "$url" | curl -q --config - --globoff --silent --show-error --connect-timeout 10 \
      --speed-limit 1000 --speed-time "$stalled_after_seconds" --output "$file" --dump-header "$file.headers" \
      --write-out '%{http_code}' "$@" 2> "$file.problem") || code=$?
    case $code:$status in
      0:200) return 0 ;;
      # Not resolved, not connected, cut off, or too slow: the next try may do better. So it may where S3 is too busy.
      [567]:* | 16:* | 18:* | 28:* | 35:* | 52:* | 55:* | 56:* | 92:* | 0:408 | 0:429 | 0:5*) ;;
      *) break ;;
    esac
    if [ "$attempt" -lt "$transfer_tries" ]; then sleep "$pause"; fi
    pause=$((pause * 2))
  done
  explain_transfer "$file" "$code" "$status"
}

# The function that is told why where S3 is out of order or too busy after all tries, if that is no failure of what the script is for.
if_unanswered=''

# explain_transfer FILE CODE STATUS
explain_transfer() {
  local said='' address=${url%%\?*}
  case $2:$3:$if_unanswered in 0:408:?* | 0:429:?* | 0:5*:?*) "$if_unanswered" "$address was answered with HTTP status $3, each of $transfer_tries times: S3 is out of order, or too busy." ;; esac
  if [ "$2" = 0 ]; then
    if [ -f "$1" ]; then
      said=$({ head -c 8192 "$1" | tr -d '\r\n' && echo; } | sed -n 's/.*<Code>\([^<]*\)<\/Code>.*<Message>\([^<]*\)<\/Message>.*/\1: \2/p')
    fi
    fail 1 "$address was answered with HTTP status $3${said:+, ${said:0:300}}. The address is good for this one object and for a limited time: run this again, which makes a new one. Where it is refused again, see whether the object is there and who may use it."
  fi
  said=$(tr '\n' ' ' < "$1.problem")
  case $2 in
    63)
      if [ -n "$recorded_bytes" ]; then
        refuse backup-damaged 65 "What is to be fetched from $address is larger than the $recorded_bytes bytes that were recorded when it was made, so nothing of it was fetched. It was replaced. Make a new backup now, and look who can write into its bucket."
      fi
      refuse fetched-too-large 65 "What is to be fetched from $address is larger than the free disk here: ${said:0:300}. Make room, then run this again."
      ;;
    23) refuse fetched-unwritable 65 "What was fetched from $address could not be written: ${said:0:300}. See whether the disk is full, then run this again." ;;
  esac
  how_to_reach
  fail 1 "$address could not be reached from this host, or not to the end: curl ended with status $2: ${said:0:300}. $reply Then run this again."
}

# fetch FILE [RECORDED_BYTES]: of at most the disk that is free, and of no more than was recorded of it.
recorded_bytes=''
fetch() {
  local most
  read_disk "$(folder_of "$1")"
  most=$((free_bytes + 1)) recorded_bytes=${2:-}
  if [ -n "$recorded_bytes" ] && [ "$recorded_bytes" -lt "$most" ]; then most=$recorded_bytes; fi
  transfer "$1" --max-filesize "$most"
}

# send FILE ANSWER: leaves S3's receipt in `etag`.
# shellcheck disable=SC2034
send() {
  transfer "$2" --upload-file "$1"
  etag=$(tr -d '\r' < "$2.headers" | awk 'tolower($1) == "etag:" { found = $2 } END { print found }')
  [ -n "$etag" ] || fail 1 "${url%%\?*} took the part, but gave no ETag for it, so the upload cannot be completed. See what answers at this address."
}
