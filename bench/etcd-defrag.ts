import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheFolder } from '../local/etcd/cache.ts';
import { findInFolder, findOnPath, runProgram } from '../local/etcd/executables.ts';
import type { Progress } from './progress.ts';

const PROGRAM = 'etcd-defrag';
const MODULE = `github.com/ahrtr/${PROGRAM}`;
const VERSION = '0.42.0';
/** It comes with some thirty modules, which may have to be fetched first. */
const BUILD_WITHIN_MS = 600_000;

/**
 * The program etcd-defrag, which defragments as we do: followers first. It is built from its Go module where the cache has none.
 * @returns its path @throws Error that says why it cannot be reached here
 */
export async function findEtcdDefrag(progress: Progress): Promise<string> {
  const folder = join(dirname(cacheFolder()), PROGRAM, VERSION);
  const cached = await findInFolder(folder, PROGRAM);
  if (cached !== undefined) return cached;
  const go = await findOnPath('go');
  if (go === undefined) throw new Error(`${folder} does not hold it, and there is no go on the PATH to build it with`);
  await progress.during(`building ${PROGRAM} ${VERSION}, once`, build(go, folder));
  return join(folder, PROGRAM);
}

/** Another process may build it at the same time: the folder that is there first stays. */
async function build(go: string, folder: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const made = await mkdtemp(join(dirname(folder), '.build-'));
  try {
    const env = { ...process.env, GOBIN: made, GOWORK: 'off', GIT_TERMINAL_PROMPT: '0' };
    await runProgram(go, ['install', `${MODULE}@v${VERSION}`], { cwd: made, env, timeout: BUILD_WITHIN_MS });
    await rename(made, folder);
  } catch (error) {
    if ((await findInFolder(folder, PROGRAM)) === undefined) throw new Error(`go cannot build it: ${wordsOf(error)}`);
  } finally {
    await rm(made, { recursive: true, force: true });
  }
}

/** What go said, without what it has fetched. */
function wordsOf(error: unknown): string {
  const { stderr = '', message } = error as { stderr?: string; message: string };
  const lines = stderr.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('go: downloading'));
  return lines.map((line) => line.trim()).join(' ') || message;
}
