# shellcheck shell=bash
# Whether etcd is at work on this host, as the host itself sees it.
# shellcheck disable=SC2317

answer_within_seconds=5
# Of one that has not told systemd yet that it is ready: etcd does that before it serves anybody.
unready_answer_within_seconds=2

# listens URLS: whether something listens at the port of the first of these URLs, at its address: `true`, `false`, or `null` where the kernel does
# not say; in `reply`.
listens() {
  local url=${1%%,*} address port wanted='' files=() file
  for file in /proc/net/tcp /proc/net/tcp6; do
    if [ -r "$file" ]; then files+=("$file"); fi
  done
  url=${url#*://} url=${url%%/*}
  port=${url##*:} address=${url%:*}
  number "$port" && port=$reply
  if [ "${#files[@]}" = 0 ]; then reply=null && return 0; fi
  # The kernel writes the bytes of an address from the last to the first.
  if [[ $address =~ ^([0-9]+)\.([0-9]+)\.([0-9]+)\.([0-9]+)$ && $address != 0.0.0.0 ]]; then
    wanted=$(printf '%02X%02X%02X%02X' "${BASH_REMATCH[4]}" "${BASH_REMATCH[3]}" "${BASH_REMATCH[2]}" "${BASH_REMATCH[1]}")
  fi
  reply=$(port=$(printf '%04X' "$port") wanted=$wanted awk '
    BEGIN { found = "false" }
    $4 != "0A" { next }
    {
      split($2, local, ":")
      if (local[2] != ENVIRON["port"]) next
      if (ENVIRON["wanted"] == "" || local[1] ~ /^0+$/ || substr(local[1], length(local[1]) - 7) == ENVIRON["wanted"]) found = "true"
    }
    END { print found }' "${files[@]}")
}

# ask_member URLS: what etcd itself says at the first of these URLs, from its metrics, for which nobody has to log in. Leaves `answer_state`: `leader`
# (it leads or follows one), `no-leader`, `speaks` (someone speaks there, and does not say), `silent`, or `unknown` where nothing here can
# ask; the `answer_id` that it goes by; and what curl said in `answer_problem`.
# shellcheck disable=SC2034,SC2154
ask_member() {
  local url=${1%%,*} code options=() found within=$answer_within_seconds
  answer_state=unknown answer_id='' answer_problem=''
  if ! command -v curl > /dev/null; then answer_problem='the host has no curl to ask with' && return 0; fi
  url=${url//0.0.0.0/127.0.0.1} url=${url//\[::\]/[::1]}
  # Members talk to each other by the certificate that they serve with.
  if [ -r "$set_cert_file" ] && [ -r "$set_key_file" ]; then options=(--cert "$set_cert_file" --key "$set_key_file"); fi
  if [ "$ActiveState" = activating ]; then within=$unready_answer_within_seconds; fi
  # Through a pipe: a file would stay where this is killed.
  found=$({
    code=0
    curl -q --silent --show-error --stderr - --globoff --insecure --noproxy '*' --connect-timeout 3 --max-time "$within" \
      ${options[@]+"${options[@]}"} "${url%/}/metrics" || code=$?
    printf '\ncurl ended: %s\n' "$code"
  } | awk '
    /^etcd_server_has_leader / { state = $2 == 1 ? "leader" : "no-leader" }
    /^etcd_server_id\{/ { if (match($0, /server_id="[0-9a-f]+"/)) id = substr($0, RSTART + 11, RLENGTH - 12) }
    /^curl: \([0-9]+\)/ { problem = $0 }
    /^curl ended: / { code = $3 }
    END { print state; print id; print code; print problem }') || fail 1 "awk cannot read what etcd says at $url. Run it by hand to see why, then run this again."
  { read -r answer_state && read -r answer_id && read -r code && IFS= read -r answer_problem; } <<< "$found" || true
  if [ -n "$answer_state" ]; then answer_problem='' && return 0; fi
  answer_problem=${answer_problem:0:200}
  # Refused, or nothing in time: a process that is frozen is connected to by the kernel, and says nothing. Whatever else comes, someone is there.
  case $code in 7 | 28) answer_state=silent ;; *) answer_state=speaks ;; esac
}
