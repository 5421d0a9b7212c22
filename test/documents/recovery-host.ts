import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync, zstdDecompressSync } from 'node:zlib';
import { findEtcd } from '../../local/etcd/binaries.ts';
import { startCluster } from '../../local/etcd/cluster.ts';
import { etcdEnvironment } from '../../local/etcd/executables.ts';
import { owner } from './data-dir-host.ts';
import type { PreparedHost } from './prepared-host.ts';
import { succeed } from './script.ts';

/** What etcd's own `snapshot save` has made of a cluster with `KEYS` keys, and the same without a hash, as a member has it. */
export interface Snapshot {
  version: string;
  binDir: string;
  saved: Buffer;
  raw: Buffer;
  revision: string;
}

export const KEYS = 20;
export const SCRATCH = '.etcd-remediation.data.run-1';
/** In a folder of its own: what a script that was killed leaves beside it is no recovery's. */
export const CONFIG_FILE = 'etc/etcd.yaml';
export const WAL_SCRATCH = '.etcd-remediation.wal.run-1';

export async function takeSnapshot(version: string): Promise<Snapshot> {
  const binaries = await findEtcd(version);
  await using cluster = await startCluster({ binaries, members: 1 });
  for (let key = 0; key < KEYS; key++) await cluster.etcdctl(['put', `key-${key}`, `value-${key}`]);
  const folder = mkdtempSync(join(tmpdir(), 'etcd-remediation-snapshot-'));
  try {
    await cluster.etcdctl(['snapshot', 'save', join(folder, 'saved')]);
    const saved = readFileSync(join(folder, 'saved'));
    const raw = saved.subarray(0, saved.length - 32);
    return { version, binDir: dirname(binaries.etcd), saved, raw, revision: String(KEYS + 1) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

const isGzip = (content: Buffer) => content.readUInt16BE() === 0x1f8b;

/** Puts a compressed snapshot where snapshot-data-dir leaves it. */
export function keepSnapshot(host: PreparedHost, content: Buffer, scratch = SCRATCH): Buffer {
  const compressed = gzipSync(content);
  mkdirSync(host.path(scratch), { recursive: true, mode: 0o700 });
  writeFileSync(host.path(`${scratch}/snapshot`), compressed);
  return compressed;
}

/** What restore-snapshot is sent for the member `m-1` of a cluster of its own. */
export function restoreParameters(
  host: PreparedHost,
  { binDir, revision }: Pick<Snapshot, 'binDir' | 'revision'>,
  compressed: Buffer,
  overrides: Record<string, string> = {},
) {
  const peerUrl = 'http://127.0.0.1:21380';
  return {
    dataDir: host.path('data'),
    walDir: '',
    binDir,
    ...owner,
    execution: 'run-1',
    name: 'm-1',
    peerUrls: peerUrl,
    initialCluster: `m-1=${peerUrl}`,
    initialClusterToken: 'etcd-remediation-run-1',
    sha256: sha256(compressed),
    hashCheck: 'yes',
    revision,
    bumpRevision: '0',
    sizeBytes: String((isGzip(compressed) ? gunzipSync : zstdDecompressSync)(compressed).length),
    url: '',
    ...overrides,
  };
}

/** Needs {@link controlUnit}. */
export function swapParameters(
  host: PreparedHost,
  { binDir, revision }: Snapshot,
  overrides: Record<string, string> = {},
) {
  return {
    unit: 'etcd',
    data: 'swap',
    dataDir: host.path('data'),
    walDir: '',
    configFile: host.path(CONFIG_FILE),
    binDir,
    ...owner,
    initialCluster: 'm-1=http://127.0.0.1:21380',
    initialClusterToken: 'etcd-remediation-run-1',
    execution: 'run-1',
    revision,
    replaceNewer: 'no',
    ...overrides,
  };
}

export function discardParameters(host: PreparedHost, overrides: Record<string, string> = {}) {
  return { dataDir: host.path('data'), walDir: '', outcome: 'undo', execution: 'run-1', ...overrides };
}

export function startParameters(host: PreparedHost, overrides: Record<string, string> = {}) {
  return { unit: 'etcd', dataDir: host.path('data'), walDir: '', execution: 'run-1', ...overrides };
}

/** What control-service is sent: to start what was seen on a host, or anything where nothing was. */
export const onPrepared = (prepared: PreparedHost, action: string, seen: object = {}): Record<string, string> => ({
  ...{ unit: 'etcd', action, dataDir: prepared.path('data'), walDir: '', clusterId: '', commitIndex: '', ...seen },
});

/** What swap-data-dir says of it once it is written. */
export const configuredOn = (host: PreparedHost) => ({
  file: host.path(CONFIG_FILE),
  copy: `${host.path(CONFIG_FILE)}.run-1`,
  changed: true,
});

/**
 * Has systemctl start and stop the unit, which it notes in `calls` with the word that the recovery is at. It begins as one that runs, or not. Its etcd
 * reads a configuration file.
 * @param refused whether a stop comes to nothing
 */
export function controlUnit(
  host: PreparedHost,
  { runs = false, refused = false, scratch = SCRATCH }: { runs?: boolean; refused?: boolean; scratch?: string } = {},
): void {
  const RUNS = { ActiveState: 'active', SubState: 'running', MainPID: '77' };
  const argv = `/usr/bin/etcd --config-file ${host.path(CONFIG_FILE)}`;
  const ExecStart = `{ path=/usr/bin/etcd ; argv[]=${argv} ; ignore_errors=no ; pid=0 }`;
  host.setProperties({ Type: 'notify', ExecStart, ...(runs && RUNS) });
  if (!host.has(CONFIG_FILE)) {
    mkdirSync(host.path(dirname(CONFIG_FILE)));
    host.write(CONFIG_FILE, 'name: m-1\n');
  }
  renameSync(host.path('bin/systemctl'), host.path('bin/show-unit'));
  const [calls, phase, properties] = ['calls', `${scratch}/phase`, 'properties'].map((name) => host.path(name));
  // Whoever looks meanwhile sees one or the other, as systemd has it; and this is no change that a script makes.
  const set = (state: string, sub: string, pid: number) =>
    `sed -e 's/^ActiveState=.*/ActiveState=${state}/' -e 's/^SubState=.*/SubState=${sub}/' -e 's/^MainPID=.*/MainPID=${pid}/' ` +
    `'${properties}' > '${properties}.new' && /bin/mv -f '${properties}.new' '${properties}'`;
  host.program(
    'systemctl',
    `case $1 in
  show) exec '${host.path('bin/show-unit')}' "$@" ;;
  start | stop) echo "$1 at $(cat '${phase}' 2> /dev/null)" >> '${calls}' ;;
esac
case $1 in
  start) ${set('active', 'running', 77)} ;;
  stop) ${refused ? 'exit 1' : set('inactive', 'dead', 0)} ;;
esac`,
  );
}

/** What systemctl was asked to do, see {@link controlUnit}. */
export function callsOn(host: PreparedHost): string[] {
  return host.has('calls') ? host.read('calls').trim().split('\n') : [];
}

/** Restores the snapshot on a host, which then has it in its scratch folder. */
export function restoreOn(
  host: PreparedHost,
  snapshot: Snapshot,
  overrides: Record<string, string> = {},
  scratch = SCRATCH,
) {
  const parameters = restoreParameters(host, snapshot, keepSnapshot(host, snapshot.saved, scratch), overrides);
  return succeed(host.access, 'restore-snapshot', parameters);
}

/** The revision of a database, by etcd's own program. */
export function revisionOf({ binDir }: Snapshot, file: string): string {
  const program = readdirSync(binDir).includes('etcdutl') ? 'etcdutl' : 'etcdctl';
  const env = { ...etcdEnvironment(), ETCDCTL_API: '3' };
  const said = execFileSync(join(binDir, program), ['snapshot', 'status', file, '--write-out=json'], { env });
  return String(JSON.parse(said.toString()).revision);
}

/** Every path in a folder, sorted: what is there, and nothing else. */
export function contentsOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true }).map(String).sort();
}

/** Has a host believe that so many kilobytes are free. */
export function setFreeKilobytes(host: PreparedHost, kilobytes: number): void {
  host.program(
    'df',
    `echo 'Filesystem 1024-blocks Used Available Capacity Mounted on'; echo '/dev/x 9 9 ${kilobytes} 9% /nowhere'`,
  );
}
