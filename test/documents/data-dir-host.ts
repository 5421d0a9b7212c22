import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { dataOwner, PreparedHost } from './prepared-host.ts';

export const owner = dataOwner();
export const isLinuxRoot = process.platform === 'linux' && process.getuid?.() === 0;

/** What archive-data-dir and revert-data-dir are sent for `data`. */
export function parametersFor(host: PreparedHost, overrides: Record<string, string> = {}) {
  return { unit: 'etcd', dataDir: host.path('data'), walDir: '', execution: 'run-1', ...owner, ...overrides };
}

/** A host whose member had its data in `data`, and where asked for its log in `wal`. */
export function hostWithData(walDir = false): PreparedHost {
  const host = new PreparedHost();
  host.makeDataDir('data', 'old');
  if (walDir) {
    mkdirSync(host.path('wal'), { mode: 0o750 });
    // etcd begins a log beside its wal dir.
    chmodSync(host.path('.'), 0o777);
    host.write('wal/0000000000000000-0000000000000000.wal', 'old log');
    host.write('wal/0.tmp', '');
  }
  if (process.getuid?.() === 0) execFileSync('chown', ['-R', `${owner.user}:${owner.group}`, host.path('data')]);
  return host;
}

/** Of a file or folder, as numbers. */
export function ownerAndMode(path: string) {
  const { uid, gid, mode } = statSync(path);
  return { uid, gid, mode: mode & 0o7777 };
}
