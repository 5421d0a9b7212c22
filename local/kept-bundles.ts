import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type BundleTexts, buildSteps } from '../lib/bundles/bundle-steps.ts';

const ROOT = join(import.meta.dirname, '..');
/** Whatever ends in a bundle comes from these. */
const SOURCES = ['core', 'client', 'lambdas', 'lib/bundles'];
/** What npm has installed, letter by letter. */
const INSTALLED = 'node_modules/.package-lock.json';
const KEPT = join(ROOT, 'node_modules/.cache/etcd-remediation/bundles.json');

interface Kept {
  /** Of all that they are made from. */
  hash: string;
  bundles: BundleTexts;
}

/** The bundles as they were made for an earlier process, or made anew if anything has changed: in an outage each second counts. */
export async function keptBundles(): Promise<BundleTexts> {
  const hash = await hashOfSources();
  const kept = await readKept();
  if (kept?.hash === hash) return kept.bundles;
  const bundles = await buildSteps();
  await keep({ hash, bundles });
  return bundles;
}

async function hashOfSources(): Promise<string> {
  const folders = await Promise.all(SOURCES.map((folder) => readdir(join(ROOT, folder), { recursive: true })));
  const files = SOURCES.flatMap((folder, index) => (folders[index] ?? []).map((file) => join(folder, file)))
    .filter((file) => file.endsWith('.ts'))
    .sort();
  const hash = createHash('sha256');
  for (const file of [INSTALLED, ...files]) hash.update(`${file}\0`).update(await readFile(join(ROOT, file)));
  return hash.digest('hex');
}

async function readKept(): Promise<Kept | undefined> {
  try {
    return JSON.parse(await readFile(KEPT, 'utf8')) as Kept;
  } catch {
    return undefined;
  }
}

/** Another process finds the former file or this one, never half of it. Where nothing can be written they are made each time. */
async function keep(kept: Kept): Promise<void> {
  const half = `${KEPT}.${process.pid}`;
  try {
    await mkdir(dirname(KEPT), { recursive: true });
    await writeFile(half, JSON.stringify(kept));
    await rename(half, KEPT);
  } catch {
    // Slower next time, and no worse.
  }
}
