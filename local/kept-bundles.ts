import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleSteps, bundlesIn, type StepBundles } from '../lib/bundles/bundle-steps.ts';

const ROOT = join(import.meta.dirname, '..');
/** Whatever ends in a bundle comes from these. */
const SOURCES = ['core', 'lambdas', 'lib'];
/** What npm has installed, letter by letter. */
const INSTALLED = 'node_modules/.package-lock.json';
const KEPT = join(ROOT, 'node_modules/.cache/etcd-remediation/bundles');
/** Nobody runs what has not been asked for so long. */
const FORGOTTEN_AFTER_MS = 24 * 3600 * 1000;

/**
 * The bundles as they were made for an earlier process, or made anew if anything has changed: in an outage each second counts. They always lie at the
 * same place, where Node finds what it has compiled of them.
 * @param otherwise where they are made if nothing can be kept; it does not exist yet
 */
export async function keptBundles(otherwise: string): Promise<StepBundles> {
  const kept = join(KEPT, await hashOfSources());
  try {
    await utimes(kept, new Date(), new Date());
    return await bundlesIn(kept);
  } catch {
    // Not made yet, or not whole.
  }
  const half = `${kept}.${process.pid}`;
  try {
    await mkdir(KEPT, { recursive: true });
    await forget();
    await bundleSteps(half);
    await rename(half, kept);
  } catch {
    // Another process was quicker; or nothing can be written here.
    await rm(half, { recursive: true, force: true });
  }
  return bundlesIn(kept).catch(() => bundleSteps(otherwise));
}

async function hashOfSources(): Promise<string> {
  const folders = await Promise.all(SOURCES.map((folder) => readdir(join(ROOT, folder), { recursive: true })));
  const files = SOURCES.flatMap((folder, index) => (folders[index] ?? []).map((file) => join(folder, file)))
    .filter((file) => file.endsWith('.ts'))
    .sort();
  const hash = createHash('sha256');
  for (const file of [INSTALLED, ...files]) hash.update(`${file}\0`).update(await readFile(join(ROOT, file)));
  return hash.digest('hex').slice(0, 32);
}

async function forget(): Promise<void> {
  for (const name of await readdir(KEPT)) {
    const path = join(KEPT, name);
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > FORGOTTEN_AFTER_MS) await rm(path, { recursive: true, force: true });
  }
}
