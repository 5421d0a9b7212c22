# shellcheck shell=bash
# parts: common
# Says whether anything of a command still runs on this host, and how long the host is up. SSM Agent gives a command's ID to its script, and whatever that
# starts inherits it.
command_id='{{ commandId }}'

need cat tr
if [ ! -r /proc/self/environ ] || [ ! -r /proc/uptime ]; then fail 1 "/proc cannot be read, so what runs on this host is unknown. Run this as root."; fi
# Processes end while they are looked at.
running=$({ cat /proc/[0-9]*/environ 2> /dev/null || true; } | tr '\0' '\n' | wanted="SSM_COMMAND_ID=$command_id" awk '
  $0 == ENVIRON["wanted"] { found = 1 }
  END { if (NR) print found ? "true" : "false" }')
[ -n "$running" ] || fail 1 "cat has read nothing of /proc, so what runs on this host is unknown. Run this as root."
read -r up _ < /proc/uptime
number "${up%%.*}"
succeed "{\"running\":$running,\"upSeconds\":$reply}"
