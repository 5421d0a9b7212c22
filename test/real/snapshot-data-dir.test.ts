import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, rmSync, truncateSync, writeSync } from 'node:fs';
import { zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findEtcd } from '../../local/etcd/binaries.ts';
import { startCluster } from '../../local/etcd/cluster.ts';
import { findOnPath } from '../../local/etcd/executables.ts';
import { PreparedHost } from '../documents/prepared-host.ts';
import {
  contentBytes,
  fingerprint,
  hostWithCopy,
  killUnderLoad,
  logFiles,
  readSnapshot,
  restore,
  SCRATCH,
  salvageParameters,
  type Wreck,
} from '../documents/salvage-host.ts';
import { succeed } from '../documents/script.ts';
import { TESTED_RELEASES } from '../run/tested-releases.ts';

const hasZstd = (await findOnPath('zstd')) !== undefined;

describe.each(TESTED_RELEASES)('snapshot-data-dir after all members of etcd %s were killed under load', (version) => {
  let wreck: Wreck;
  beforeAll(async () => {
    wreck = await killUnderLoad(version);
  });
  afterAll(() => wreck?.close());

  const salvage = (host: PreparedHost, overrides: Record<string, string> = {}) =>
    succeed(host.access, 'snapshot-data-dir', salvageParameters(host, wreck.binaries, overrides));
  const hostOf = (member: number) => hostWithCopy(wreck.dataDirs[member] as string);

  it('replays every log; what the best of them lacks is within what the logs have beyond their commit index', async () => {
    const revisions: number[] = [];
    const lastIndexes: number[] = [];
    let best = { revision: 0, commitIndex: 0 };
    for (const member of [0, 1, 2]) {
      using host = hostOf(member);
      const before = fingerprint(host.path('data'));
      const { method, revision, rawRevision, log, snapshot, problem, totalKeys, sizeBytes } = await salvage(host);
      expect({ method, problem, complete: log?.complete }).toEqual({ method: 'replayed', problem: '', complete: true });
      expect(Number(revision)).toBeGreaterThanOrEqual(Number(rawRevision));
      expect(totalKeys).toBeGreaterThanOrEqual(Number(revision) - 1);
      expect(fingerprint(host.path('data'))).toEqual(before);

      const compressed = readFileSync(host.path(`${SCRATCH}/snapshot`));
      const sha256 = createHash('sha256').update(compressed).digest('hex');
      expect(snapshot).toEqual({ sizeBytes: compressed.length, sha256 });
      const content = readSnapshot(host);
      expect(content).toHaveLength(sizeBytes);
      expect(restore(wreck.binaries, content)).toBe(revision);

      const commitIndex = Number(log?.commitIndex);
      revisions.push(Number(revision));
      lastIndexes.push(Number(log?.lastIndex));
      if (Number(revision) > best.revision) best = { revision: Number(revision), commitIndex };
    }
    expect(wreck.acknowledged - Math.max(...revisions)).toBeLessThanOrEqual(
      Math.max(...lastIndexes) - best.commitIndex,
    );
  });

  it.skipIf(!hasZstd)('compresses it by zstd where that is asked for (needs zstd)', async () => {
    using host = hostOf(0);
    const { revision, snapshot } = await salvage(host, { compressor: 'zstd' });
    const compressed = readFileSync(host.path(`${SCRATCH}/snapshot`));
    expect(snapshot).toMatchObject({ sizeBytes: compressed.length });
    expect(restore(wreck.binaries, zstdDecompressSync(compressed))).toBe(revision);
  });

  it('leaves nothing behind where the snapshot is not to be kept', async () => {
    using host = hostOf(1);
    const kept = await salvage(host);
    rmSync(host.path(SCRATCH), { recursive: true });
    expect(await salvage(host, { keep: 'no' })).toMatchObject({
      method: 'replayed',
      revision: kept.revision,
      snapshot: null,
    });
    expect(host.has(SCRATCH)).toBe(false);
  });

  it('says so where the end of a log was torn, and etcd has cut it off', async () => {
    using host = hostOf(0);
    for (const file of logFiles(host.path('data/member/wal'))) truncateSync(file, contentBytes(file) - 5);
    const { method, log } = await salvage(host);
    expect({ method, complete: log?.complete }).toEqual({ method: 'replayed', complete: false });
  });

  const overwrite = (file: string, offset: number) => {
    const handle = openSync(file, 'r+');
    writeSync(handle, 'the disk has lost this', offset);
    closeSync(handle);
  };
  it.each<[string, (file: string) => void, RegExp, RegExp]>([
    [
      'is overwritten near its begin',
      (file) => overwrite(file, 64),
      /wiretype|wire-format|crc mismatch|unexpected EOF/,
      /^[1-9a-f][0-9a-f]{10,15}$/,
    ],
    ['is empty', (file) => truncateSync(file, 0), /panic/, /^$/],
    ['is gone', (file) => rmSync(file), /there is no log/, /^$/],
  ])('takes the database alone where the log %s, without vouching for it', async (_, damage, expected, cluster) => {
    using host = hostOf(2);
    for (const file of logFiles(host.path('data/member/wal'))) damage(file);
    const { method, revision, rawRevision, log, problem, sizeBytes, clusterId } = await salvage(host);
    expect(clusterId).toMatch(cluster);
    expect({ method, log, revision }).toEqual({ method: 'raw', log: null, revision: rawRevision });
    expect(problem).toMatch(expected);
    const content = readSnapshot(host);
    expect(content).toHaveLength(sizeBytes);
    expect(content.equals(readFileSync(host.path('data/member/snap/db')))).toBe(true);
    expect(restore(wreck.binaries, content)).toBe(revision);
  });

  it('finds nothing in a database that is destroyed together with its log', async () => {
    using host = hostOf(2);
    for (const file of [...logFiles(host.path('data/member/wal')), host.path('data/member/snap/db')])
      truncateSync(file, 0);
    const { method, revision, problem } = await salvage(host);
    expect({ method, revision }).toEqual({ method: 'none', revision: '0' });
    expect(problem).toContain('cannot be read');
    expect(host.has(SCRATCH)).toBe(false);
  });
});

describe.each(TESTED_RELEASES)('snapshot-data-dir of a member of etcd %s that has outlived the others', (version) => {
  it.each([false, true])('takes what it has applied, and no member hears of it (authentication: %s)', async (auth) => {
    const binaries = await findEtcd(version);
    await using cluster = await startCluster({ binaries, members: 3 });
    const [survivor, dead] = cluster.members as [(typeof cluster.members)[0], (typeof cluster.members)[0]];
    for (let key = 0; key < 10; key++) await cluster.etcdctl(['put', `key-${key}`, 'value']);
    if (auth) await cluster.enableAuth('secret');
    await cluster.killMember('m2');
    await cluster.killMember('m3');
    const heard = () => readFileSync(survivor.logFile, 'utf8').split('established TCP streaming connection').length;
    const before = heard();

    using host = new PreparedHost({ ActiveState: 'active', SubState: 'running', MainPID: String(survivor.pid) });
    const parameters = { dataDir: survivor.dataDir, execution: 'run-live' };
    const live = await succeed(host.access, 'snapshot-data-dir', salvageParameters(host, binaries, parameters));
    expect(live).toMatchObject({
      method: 'live',
      revision: '11',
      rawRevision: '11',
      problem: '',
      log: { complete: true },
    });

    using stopped = new PreparedHost();
    const ofTheDead = { dataDir: dead.dataDir, execution: 'run-dead' };
    const replayed = await succeed(
      stopped.access,
      'snapshot-data-dir',
      salvageParameters(stopped, binaries, ofTheDead),
    );
    // The last write may have been committed without this member having learned of it.
    const { commitIndex, lastIndex } = replayed.log ?? { commitIndex: '0', lastIndex: '0' };
    expect(replayed.method).toBe('replayed');
    expect(Number(replayed.revision) + Number(lastIndex) - Number(commitIndex)).toBeGreaterThanOrEqual(11);
    expect(heard()).toBe(before);
    expect(survivor.pid).toBeDefined();
  });
});

/** Of each member, once all have applied the same. */
async function settledIndexes(cluster: Awaited<ReturnType<typeof startCluster>>): Promise<number> {
  const applied = async ({ clientUrl }: { clientUrl: string }) => {
    const response = await fetch(`${clientUrl}/v3/maintenance/status`, { method: 'POST', body: '{}' });
    return Number(((await response.json()) as { raftAppliedIndex: string }).raftAppliedIndex);
  };
  const read = () => Promise.all(cluster.members.map(applied));
  await expect.poll(async () => new Set(await read()).size).toBe(1);
  return (await read())[0] as number;
}

describe('snapshot-data-dir reads from the log', () => {
  it.each(TESTED_RELEASES)('exactly what a follower of etcd %s had of it', async (version) => {
    const binaries = await findEtcd(version);
    await using cluster = await startCluster({ binaries, members: 3 });
    for (let key = 0; key < 10; key++) await cluster.etcdctl(['put', `key-${key}`, 'value']);
    const status = await cluster.etcdctl(['endpoint', 'status', '--write-out=json']);
    const leader = JSON.parse(status).findIndex(
      ({ Status: { header, leader } }: { Status: { header: { member_id: string }; leader: string } }) =>
        header.member_id === leader,
    );
    const [stopped, killed] = cluster.members.filter((_, index) => index !== leader);
    const index = await settledIndexes(cluster);
    // Only who is asked to end writes down that the last entry was committed.
    await cluster.stopMember(stopped?.name as string);
    await cluster.killMember(killed?.name as string);
    using host = new PreparedHost();
    const salvage = (dataDir = '', execution = '') =>
      succeed(host.access, 'snapshot-data-dir', salvageParameters(host, binaries, { dataDir, execution, keep: 'no' }));
    // Read as text: 64 bits are more than a parsed number holds.
    const clusterId = BigInt(/"cluster_id":(\d+)/.exec(status)?.[1] ?? 0).toString(16);
    expect(await salvage(stopped?.dataDir, 'run-1')).toMatchObject({
      revision: '11',
      clusterId,
      log: { clusterId, complete: true, commitIndex: String(index), lastIndex: String(index) },
    });
    const { log } = await salvage(killed?.dataDir, 'run-2');
    expect(log?.lastIndex).toBe(String(index));
    expect(Number(log?.commitIndex)).toBeLessThanOrEqual(index);
  });
});

describe('snapshot-data-dir of unusual data', () => {
  it.each(TESTED_RELEASES)('replays the log of a member of etcd %s whose quota is exceeded', async (version) => {
    const binaries = await findEtcd(version);
    await using cluster = await startCluster({ binaries, members: 1, quotaBackendBytes: 2 * 1024 * 1024 });
    const value = 'v'.repeat(100_000);
    let written = 0;
    await expect(
      (async () => {
        for (; written < 100; written++) await cluster.etcdctl(['put', `key-${written}`, value]);
      })(),
    ).rejects.toThrow('database space exceeded');
    expect(await cluster.etcdctl(['alarm', 'list'])).toContain('NOSPACE');
    await cluster.killMember('m1');
    using host = hostWithCopy(cluster.members[0]?.dataDir as string);
    const { method, revision } = await succeed(host.access, 'snapshot-data-dir', salvageParameters(host, binaries));
    expect(method).toBe('replayed');
    expect(Number(revision)).toBeGreaterThanOrEqual(written + 1);
  });

  it('replays a log that lies in a folder of its own, of a data dir with a strange name', async () => {
    const binaries = await findEtcd('3.5.30');
    using host = new PreparedHost();
    const walDir = host.path('-wal@disk+1');
    await using cluster = await startCluster({ binaries, members: 1, extraArgs: [`--wal-dir=${walDir}`] });
    for (let key = 0; key < 10; key++) await cluster.etcdctl(['put', `key-${key}`, 'value']);
    await cluster.killMember('m1');
    using copied = hostWithCopy(cluster.members[0]?.dataDir as string, '.etcd-a=b@c+d.e');
    const parameters = salvageParameters(copied, binaries, { dataDir: copied.path('.etcd-a=b@c+d.e'), walDir });
    expect(await succeed(copied.access, 'snapshot-data-dir', parameters)).toMatchObject({
      method: 'replayed',
      revision: '11',
      log: { complete: true },
    });
    expect(restore(binaries, readSnapshot(copied, '.etcd-remediation..etcd-a=b@c+d.e.run-1'))).toBe('11');
  });
});
