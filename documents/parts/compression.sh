# shellcheck shell=bash
# How a snapshot is compressed on its way: by zstd where every host has it, which takes a quarter of the time of gzip to compress, and a tenth to
# decompress; else by gzip. Backups are kept by gzip alone, which everybody has.
# shellcheck disable=SC2317

need od tr

# exec_compressor FILE: to standard output, by `compressor`. It takes the place of the shell that calls it, so that whoever ends that ends it.
# shellcheck disable=SC2154
exec_compressor() {
  case $compressor in
    zstd) exec zstd -q -1 -T4 -c < "$1" ;;
    *) exec gzip -n -1 -c < "$1" ;;
  esac
}

# require_compressor: the one that was chosen for all hosts.
# shellcheck disable=SC2154
require_compressor() {
  if [ "$compressor" = zstd ]; then need zstd; fi
}

# how_compressed FILE: `gzip`, `zstd`, or nothing, by its first bytes; its name may say anything. In `reply`.
how_compressed() {
  reply=$(od -An -tx1 -N4 < "$1" | tr -d ' \n') || fail 1 "od and tr cannot read $1. See whether the disk is sound, then run this again."
  case $reply in 1f8b*) reply=gzip ;; 28b52ffd) reply=zstd ;; *) reply='' ;; esac
}

# decompressed_size FILE.gz: in bytes, in `reply`. Before 1.12 gzip counted to 4 GiB only: then the disk may turn out too small later.
decompressed_size() {
  number "$(gzip -l -- "$1" 2> /dev/null | awk 'NR == 2 { print $2 }')"
}

# decompress FROM TO: returns 1 and leaves what the program said in `reply` where it fails.
decompress() {
  local program=gzip
  how_compressed "$1"
  if [ "$reply" = zstd ]; then need zstd && program=zstd; fi
  reply=$({ "$program" -dc < "$1" > "$2"; } 2>&1) || { reply="$program said: ${reply:0:300}" && return 1; }
}
