import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { renderPage } from './performance.ts';
import { drawGrowth } from './plot.ts';
import { readRun } from './results.ts';

/** Writes docs/performance.md and its plots from files that `npm run bench -- --json` has printed. */

const DOCS = join(import.meta.dirname, '../docs');
const FOLDER = 'performance';
const WRONG_USE = 2;

const files = process.argv.slice(2);
if (files.length === 0) {
  process.stderr.write(
    'Say which results: npm run bench:docs -- results.json, made by "npm run --silent bench -- --json > results.json".\n',
  );
  process.exitCode = WRONG_USE;
} else {
  const runs = await Promise.all(files.map(async (file) => readRun(await readFile(file, 'utf8'), basename(file))));
  const { markdown, plots } = renderPage(runs, drawGrowth, FOLDER);
  await rm(join(DOCS, FOLDER), { recursive: true, force: true });
  await mkdir(join(DOCS, FOLDER), { recursive: true });
  for (const [name, svg] of plots) await writeFile(join(DOCS, FOLDER, name), svg);
  await writeFile(join(DOCS, 'performance.md'), markdown);
}
