#!/usr/bin/env node
// JavaScript that old releases of Node read as well, so that they can be told what is wrong.
import { existsSync } from 'node:fs';
import * as modules from 'node:module';
import { fileURLToPath } from 'node:url';

const NEEDED = 24;
/** A clone has the sources, which Node runs as they are; a package has what was built of them. */
const sources = new URL('../cli/main.ts', import.meta.url);
const built = new URL('../dist/cli/main.js', import.meta.url);

if (Number.parseInt(process.versions.node, 10) < NEEDED) {
  process.stderr.write(
    `UnsupportedNode: this is Node ${process.versions.node}, and etcd-remediation needs Node ${NEEDED} or newer. Nothing was touched. ` +
      'Run it as "npx --no etcd-remediation", which takes the Node that was installed with it, or put a newer Node first in PATH.\n',
  );
  process.exitCode = 2;
} else {
  // What V8 has compiled is kept, so that the next command starts in half the time.
  modules.enableCompileCache(
    fileURLToPath(new URL('../node_modules/.cache/etcd-remediation/compiled', import.meta.url)),
  );
  const { main } = await import(existsSync(sources) ? sources.href : built.href);
  await main(process.argv);
}
