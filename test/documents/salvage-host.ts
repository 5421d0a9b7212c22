import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type EtcdBinaries, findEtcd } from '../../local/etcd/binaries.ts';
import { type LocalCluster, startCluster } from '../../local/etcd/cluster.ts';
import { etcdEnvironment } from '../../local/etcd/executables.ts';
import { PreparedHost } from './prepared-host.ts';

const EXECUTION = 'run-1';
export const SCRATCH = `.etcd-remediation.data.${EXECUTION}`;

const WRITERS = 16;

/** What is left of a cluster whose members were all killed while clients wrote. */
export interface Wreck {
  binaries: EtcdBinaries;
  dataDirs: readonly string[];
  /** The highest revision that a client was told of. */
  acknowledged: number;
  close(): Promise<void>;
}

/** @param writes how many are acknowledged at least */
export async function killUnderLoad(version: string, writes = 800): Promise<Wreck> {
  const binaries = await findEtcd(version);
  const cluster = await startCluster({ binaries, members: 3 });
  try {
    const acknowledged = await writeUntil(cluster, writes, async () => {
      await Promise.all(cluster.members.map(({ name }) => cluster.killMember(name)));
    });
    return {
      binaries,
      dataDirs: cluster.members.map(({ dataDir }) => dataDir),
      acknowledged,
      close: () => cluster.close(),
    };
  } catch (error) {
    await cluster.close();
    throw error;
  }
}

/** Several clients write to all members until `writes` are acknowledged, and on until the cluster is ended. */
async function writeUntil(cluster: LocalCluster, writes: number, end: () => Promise<void>): Promise<number> {
  const urls = cluster.members.map(({ clientUrl }) => `${clientUrl}/v3/kv/put`);
  const value = Buffer.from('v'.repeat(200)).toString('base64');
  let acknowledged = 0;
  let ended: Promise<void> | undefined;
  const write = async (writer: number): Promise<void> => {
    for (let count = 0; ; count++) {
      const key = Buffer.from(`${writer}-${count}`).toString('base64');
      try {
        const response = await fetch(urls[(writer + count) % urls.length] as string, {
          method: 'POST',
          body: JSON.stringify({ key, value }),
        });
        const { header } = (await response.json()) as { header?: { revision: string } };
        acknowledged = Math.max(acknowledged, Number(header?.revision ?? 0));
      } catch {
        return;
      }
      if (acknowledged > writes) ended ??= end();
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
  await ended;
  return acknowledged;
}

/** A host with a copy of a data dir in its folder `data`, but for the empty log file that etcd has in store. */
export function hostWithCopy(dataDir: string, name = 'data'): PreparedHost {
  const host = new PreparedHost();
  cpSync(dataDir, host.path(name), {
    recursive: true,
    preserveTimestamps: true,
    filter: (file) => !file.endsWith('.tmp'),
  });
  return host;
}

export function logFiles(walDir: string): string[] {
  const names = readdirSync(walDir).filter((name) => name.endsWith('.wal'));
  return names.map((name) => join(walDir, name));
}

/** Where the records end: etcd allocates its log files in full, and fills them from the front. */
export function contentBytes(file: string): number {
  const content = readFileSync(file);
  let end = content.length;
  while (end > 0 && content[end - 1] === 0) end--;
  return end;
}

export function salvageParameters(host: PreparedHost, binaries: EtcdBinaries, overrides: Record<string, string> = {}) {
  const user = userInfo().username;
  const group = execFileSync('id', ['-gn'], { encoding: 'utf8' }).trim();
  const binDir = dirname(binaries.etcd);
  const folders = { dataDir: host.path('data'), walDir: '', binDir };
  return { unit: 'etcd', ...folders, user, group, keep: 'yes', compressor: 'gzip', execution: EXECUTION, ...overrides };
}

/** Every file below a folder with its content, owner, mode and time. */
export function fingerprint(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return names.map((name) => {
    const { mode, uid, gid, mtimeMs, size } = statSync(join(folder, name));
    const isFile = statSync(join(folder, name)).isFile();
    const hash = isFile
      ? createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex')
      : '';
    return [name, mode, uid, gid, mtimeMs, size, hash].join(' ');
  });
}

export function readSnapshot(host: PreparedHost, scratch = SCRATCH): Buffer {
  return gunzipSync(readFileSync(host.path(`${scratch}/snapshot`)));
}

/**
 * Restores a salvaged snapshot with etcd's own program. There is no hash behind it.
 * @returns the revision of what was restored
 * @throws Error with what the program said
 */
export function restore({ etcdctl, etcdutl }: EtcdBinaries, snapshot: Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), 'etcd-remediation-restore-'));
  try {
    writeFileSync(join(folder, 'snapshot'), snapshot);
    const run = (...args: string[]) =>
      execFileSync(etcdutl ?? etcdctl, ['snapshot', ...args], {
        env: { ...etcdEnvironment(), ETCDCTL_API: '3' },
        stdio: 'pipe',
        encoding: 'utf8',
      });
    run('restore', join(folder, 'snapshot'), `--data-dir=${join(folder, 'data')}`, '--skip-hash-check');
    const status = run('status', join(folder, 'data/member/snap/db'), '--write-out=json');
    return String(JSON.parse(status).revision);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
