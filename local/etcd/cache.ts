import { rename } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { findInFolder } from './executables.ts';

/** Where each release of etcd has a folder of its own, named for its version. */
export function cacheFolder(): string {
  const platformDefault = process.platform === 'darwin' ? join(homedir(), 'Library/Caches') : join(homedir(), '.cache');
  return join(process.env.XDG_CACHE_HOME || platformDefault, 'etcd-remediation', 'etcd');
}

/** Another process may have put the same version there in the meantime: then its folder stays, and is as good. */
export async function moveIntoCache(folder: string, destination: string): Promise<string> {
  try {
    await rename(folder, destination);
  } catch (error) {
    if ((await findInFolder(destination, 'etcd')) === undefined) throw error;
  }
  return destination;
}
