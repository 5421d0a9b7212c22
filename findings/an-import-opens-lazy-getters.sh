#!/usr/bin/env bash
# Node 20 to 24 and aws-cdk-lib 2.276.0: the library gives its modules out by getters, so that require() loads one file and the rest when it is asked
# for. An import of the same library asks for all of it: Node reads each name that it finds in a CommonJS module when that is imported, and each
# getter loads its module. A single `import { App } from 'aws-cdk-lib'` loads some 500 files. From 'aws-cdk-lib/core' it is some 150.
# Wants: node, npm. Ends with 0 if it is still so, with 1 if not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix . aws-cdk-lib@2.276.0 constructs@10.8.1 > /dev/null
cat > loaded.mjs <<'END'
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
const [how, name] = process.argv.slice(2);
const { App } = how === 'require' ? require(name) : await import(name);
if (typeof App !== 'function') throw new Error(`${name} has no App`);
console.log(Object.keys(require.cache).filter((path) => path.includes('/aws-cdk-lib/')).length);
END
required=$(node loaded.mjs require aws-cdk-lib)
imported=$(node loaded.mjs import aws-cdk-lib)
core=$(node loaded.mjs import aws-cdk-lib/core)
echo "node $(node --version): files of aws-cdk-lib that are loaded for App: $required by require, $imported by import, $core by import of its core"
[ "$((required * 2))" -lt "$imported" ] && [ "$core" -lt "$imported" ] && [ "$imported" -gt 400 ]
echo 'as found: an import loads all of it'
