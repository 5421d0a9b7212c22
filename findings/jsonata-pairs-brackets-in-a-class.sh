#!/usr/bin/env bash
# jsonata 1.8.7, 2.0.6 and 2.2.2: a regular expression whose class holds one bracket or parenthesis alone, such as /[(]/, does not compile (S0302, "No
# terminating / ..."): its "/" counts as the end only while all brackets before it are paired, inside of classes as well. JavaScript takes the same
# expression. With a backslash, /[\(]/, or with its partner, /[()]/, it compiles. Wants: node, npm. Ends with 0 if it is still so, with 1 if not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > try.js <<'END'
const jsonata = require('jsonata');
const tries = async () => {
  const seen = [];
  for (const regex of ['/[(]/', '/[)]/', '/[[]/', '/[{]/', '/[\\(]/', '/[()]/']) {
    const inJavaScript = new RegExp(regex.slice(1, -1)).test('a(b)[{');
    try {
      seen.push(`${regex} ${await jsonata(`$contains("a(b)[{", ${regex})`).evaluate({})}/${inJavaScript}`);
    } catch ({ code }) {
      seen.push(`${regex} ${code}/${inJavaScript}`);
    }
  }
  console.log(seen.join(', '));
};
tries();
END
for version in 1.8.7 2.0.6 2.2.2; do
  npm install --silent --no-audit --no-fund --prefix . "jsonata@$version" > /dev/null
  seen=$(node try.js)
  echo "jsonata $version, in JSONata/in JavaScript: $seen"
  [ "$seen" = '/[(]/ S0302/true, /[)]/ S0302/true, /[[]/ S0302/true, /[{]/ S0302/true, /[\(]/ true/true, /[()]/ true/true' ]
done
echo 'as found: one alone does not compile'
