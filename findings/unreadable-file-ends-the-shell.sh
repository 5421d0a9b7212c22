#!/usr/bin/env bash
# bash 5.2, set -e: an assignment from $(< file) ends the whole shell where the file cannot be read, although its failure is asked for by
# "||" or "if", where set -e is off. The same with $(cat file) goes on. bash 5.1 and 5.3 go on in both cases.
# Seen with Debian's 5.1-2+deb11u1, 5.2.15-2+b13, 5.2.37-2+b10 and 5.3-3; a file of /proc whose process has just ended is such a file.
# The newer two run with the libraries of Debian 13. Wants: amd64, curl, dpkg. Ends with 0 if it is still so, with 1 if not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# get FOLDER PACKAGE: unpacks it there.
get() {
  curl -sf --max-time 60 -o "$folder/package.deb" "http://deb.debian.org/debian/pool/main/$2"
  mkdir -p "$folder/$1"
  dpkg -x "$folder/package.deb" "$folder/$1"
}
get libraries g/glibc/libc6_2.41-12+deb13u1_amd64.deb
get libraries n/ncurses/libtinfo6_6.5+20250216-2_amd64.deb
libraries=$folder/libraries/usr/lib/x86_64-linux-gnu
# tries BASH...: what each of three ways to read a missing file comes to.
tries() {
  local way result=''
  for way in 'text=$(< "$1") || text=none' 'if text=$(< "$1"); then :; else text=none; fi' 'text=$(cat "$1") || text=none'; do
    result+="$("$@" -c "set -e; $way; echo \"goes on\"" bash "$folder/missing" 2> /dev/null || echo ends)/"
  done
  echo "${result%/}"
}
for version in 5.1-2+deb11u1 5.2.15-2+b13 5.2.37-2+b10 5.3-3; do
  get "$version" "b/bash/bash_${version}_amd64.deb"
  case $version in
    5.1* | 5.2.15*) seen=$(tries "$folder/$version/bin/bash") ;;
    *) seen=$(tries "$libraries/ld-linux-x86-64.so.2" --library-path "$libraries" "$folder/$version/usr/bin/bash") ;;
  esac
  echo "bash $version, with ||, with if, and with cat: $seen"
  case $version in
    5.2*) [ "$seen" = 'ends/ends/goes on' ] ;;
    *) [ "$seen" = 'goes on/goes on/goes on' ] ;;
  esac
done
echo 'as found: only 5.2 ends'
