import { chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { findInFolder, findOnPath, runProgram } from '../../local/etcd/executables.ts';

/** Downloading is worth a try only where Debian's packages can be had. */
const DOWNLOAD_TIMEOUT_MS = 60_000;

/**
 * shellcheck: the PATH's, or Debian's package, unpacked into a cache folder and never installed.
 * @returns its path, or why there is none
 */
export async function findShellcheck(): Promise<{ path: string } | { missing: string }> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'etcd-remediation', 'tools');
  const found = (await findOnPath('shellcheck')) ?? (await findInFolder(cache, 'shellcheck'));
  if (found !== undefined) return { path: found };
  for (const tool of ['apt-get', 'dpkg']) {
    if ((await findOnPath(tool)) === undefined) return { missing: `neither shellcheck nor ${tool} is on the PATH` };
  }
  try {
    return { path: await fetchFromDebian(cache) };
  } catch (error) {
    return { missing: `Debian's shellcheck cannot be had: ${String(error)}` };
  }
}

async function fetchFromDebian(cache: string): Promise<string> {
  await mkdir(cache, { recursive: true });
  const workspace = await mkdtemp(join(cache, '.fetch-'));
  try {
    // As root it stays root: the cache may be where the user `_apt` cannot look.
    const options = ['-o', 'APT::Sandbox::User=root', '-o', 'Acquire::Retries=1'];
    await runProgram('apt-get', [...options, 'download', 'shellcheck'], {
      cwd: workspace,
      timeout: DOWNLOAD_TIMEOUT_MS,
    });
    const [archive = ''] = (await readdir(workspace)).filter((name) => name.endsWith('.deb'));
    await runProgram('dpkg', ['-x', join(workspace, archive), join(workspace, 'root')], {
      timeout: DOWNLOAD_TIMEOUT_MS,
    });
    const unpacked = join(workspace, 'root/usr/bin/shellcheck');
    await chmod(unpacked, 0o755);
    // Of two processes that fetch at once, the later one replaces the program by its like.
    await rename(unpacked, join(cache, 'shellcheck'));
    return join(cache, 'shellcheck');
  } finally {
    await rm(workspace, { recursive: true, force: true });
  }
}
