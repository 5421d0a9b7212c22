#!/usr/bin/env bash
# esbuild 0.28.2, Node 24.21.0 (V8 13.6): a bundle with `--minify` has each CommonJS module as an arrow function, one with `--minify-syntax
# --minify-whitespace` as a method. A module that nothing has asked for yet is to cost nothing: esbuild wraps it for that, and V8 only skims a function
# that is not called. It does so with the method. The arrow function it reads in full, to its last byte, as soon as the file is loaded, and once more
# when it is called. So the shorter bundle can be the slower one to start, and what is loaded lazily is read all the same.
# Seen in V8's own events of functions (--log-function-events), for lodash 4.17.21, which is in the bundle and is never asked for: with --minify three
# functions are read in full, one in the other, of 61,000 to 72,000 of the file's 73,000 bytes; without shortened names it is none in 145,000 bytes.
# Wants: node with npm, on Linux or macOS. Ends with 0 if it is still so, with 1 if not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true}\n' > package.json
npm install --silent --no-fund --no-audit esbuild@0.28.2 lodash@4.17.21 node@24.21.0
PATH=$folder/node_modules/.bin:$PATH
echo 'exports.load = () => require("lodash");' > entry.js

# The longest function of the bundle, in bytes, that V8 reads in full while it is loaded, and not only skims. What begins at 0 is the file itself.
longest_read() {
  node --log-function-events --logfile="$1.log" --no-logfile-per-isolate -e "require('./$1.cjs')"
  awk -F, -v file="$folder/$1.cjs" '
    $1 == "script-details" && $3 == file { script = $2 }
    $1 == "function" && ($2 == "parse" || $2 == "full-parse") && $4 > 0 && $5 - $4 > longest[$3] { longest[$3] = $5 - $4 }
    END { print longest[script] + 0 }' "$1.log"
}
esbuild entry.js --bundle --platform=node --log-level=error --minify --outfile=short.cjs
esbuild entry.js --bundle --platform=node --log-level=error --minify-syntax --minify-whitespace --outfile=long.cjs
short=$(longest_read short)
long=$(longest_read long)
bytes=$(wc -c < short.cjs | tr -d ' ')
echo "node $(node --version): with shortened names $bytes bytes, and the longest function that is read in full has $short"
echo "with names as they were $(wc -c < long.cjs | tr -d ' ') bytes, and the longest has $long"
[ "$short" -gt "$((bytes * 9 / 10))" ]
[ "$long" -lt 1000 ]
echo 'as found: what is wrapped to be loaded later is read at once where names are shortened'
