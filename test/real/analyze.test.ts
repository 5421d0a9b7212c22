import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StoreAnalysis } from '../../core/space-reclaim/store-analysis.ts';
import { writeKnownKeys } from '../../drills/known-keys.ts';
import { CLUSTER_NAME, type Stage } from '../../drills/stage.ts';
import { analyzeStore } from '../../lambdas/etcd/analyze-store.ts';
import { EtcdCluster } from '../../lambdas/etcd/cluster.ts';
import { Connection } from '../../lambdas/etcd/connection.ts';
import { KeyReader } from '../../lambdas/etcd/key-reader.ts';
import type { EtcdMember } from '../../lambdas/etcd/member.ts';
import { etcdRemediation } from '../cli/command.ts';
import { resultOf, terminalOf } from '../cli/deployed-scene.ts';
import { fill, leaderOf, MIB, remediate, stage, until } from '../scenes/scene.ts';

const REQUEST = { seconds: 60, growthSeconds: 0, keys: false };

describe('an analysis of a store', () => {
  let on: Stage;
  let folder: string;
  let connection: Connection;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'analyze-test-'));
    on = await stage({ etcd: '3.5.35', tls: true, auth: true, sizeMiB: 32 });
    connection = new Connection({
      endpoint: on.cluster.members[0]?.clientUrl ?? '',
      ...on.secrets,
      deadlineMs: 10_000,
    });
    await writeKnownKeys(connection, async (seconds) => {
      const [, id = '0'] =
        /lease ([0-9a-f]+) granted/.exec(await on.cluster.etcdctl(['lease', 'grant', `${seconds}`], ['m1'])) ?? [];
      return BigInt(`0x${id}`).toString();
    });
    await writeFile(join(folder, 'clusters.json'), JSON.stringify(on.file));
    const { auth, tls } = configured();
    const secrets = { [auth?.secret ?? '']: on.secrets.login, [tls?.secret ?? '']: on.secrets.tls };
    await writeFile(join(folder, 'secrets.json'), JSON.stringify(secrets));
  });
  afterAll(async () => {
    connection?.close();
    await on?.close();
    await rm(folder, { recursive: true, force: true });
  });

  function configured() {
    const [cluster] = on.file.clusters;
    if (!cluster) throw new Error('There is no cluster.');
    return cluster;
  }

  async function untilCompacted(member: EtcdMember, revision: string): Promise<void> {
    const reader = member.keyReader();
    await until(async () => (await reader.compactRevision()) === revision).finally(() => reader.close());
  }

  const files = () => ['--config', join(folder, 'clusters.json'), '--secrets', join(folder, 'secrets.json')];

  it('is a table for a person: by prefix, from a follower, and without a value or a single key', async () => {
    const { status, stdout, stderr } = await etcdRemediation('analyze', CLUSTER_NAME, ...files());
    expect([status, stderr]).toEqual([0, '']);
    const { name: leader } = await leaderOf(on);
    expect(stdout).toMatch(/^drill: 860 of 860 keys read, from m\d at revision \d+$/m);
    expect(stdout).not.toContain(`from ${leader} at`);
    expect(stdout).toMatch(/^ {2}prefix +keys +size +revisions +size of these +leases$/m);
    expect(stdout).toMatch(/^ {2}\/registry\/events\/ +200 +\S+ KiB +200 +\S+ KiB +4$/m);
    expect(stdout).toMatch(/^ {2}in all +860 /m);
    expect(stdout).toContain(' in use, with a history that was never compacted. ');
    expect(stdout).not.toContain('namespace-');
    expect(stdout).not.toContain('xxx');
  });

  it('names single keys where it is asked to, also as JSON and by what is deployed', async () => {
    const terminal = await terminalOf(on.platform);
    try {
      const ended = await terminal.type('analyze', CLUSTER_NAME, '--deployed', '--keys', '--json');
      expect(ended.status, ended.stderr).toBe(0);
      const { outcome, cluster, analysis } = resultOf(ended) as unknown as {
        outcome: string;
        cluster: string;
        analysis: StoreAnalysis;
      };
      expect([outcome, cluster]).toEqual(['Analyzed', CLUSTER_NAME]);
      expect(analysis.largestKeys).toHaveLength(10);
      expect(analysis.largestKeys[0]?.key).toMatch(/^\/registry\/leases\/namespace-\d+\/key-\d+$/);
      expect(ended.stdout).not.toContain('xxx');
      const none = await terminal.type('analyze', 'nobody', '--deployed', '--json');
      expect(resultOf(none)).toMatchObject({ outcome: 'UnknownCluster' });
    } finally {
      await terminal.close();
    }
  });

  it('tells what was written meanwhile, by prefix', async () => {
    const looking = analyzeStore(on.etcd, configured(), { ...REQUEST, growthSeconds: 2 });
    const endsAt = Date.now() + 1_500;
    let puts = 0;
    for (; Date.now() < endsAt; puts++) {
      await connection.kv.put({ key: Buffer.from(`/growing/${puts}`), value: Buffer.alloc(1_000, 'x') });
    }
    const { groups, total } = await looking;
    const growing = groups.find(({ prefix }) => prefix === '/growing/');
    // The first may have come before the first look.
    expect(growing?.growth?.keys).toBeGreaterThan(puts / 2);
    expect(growing?.growth?.keys).toBeLessThanOrEqual(puts);
    expect(total.growth?.keys).toBe(growing?.growth?.keys);
    expect(groups.find(({ prefix }) => prefix === '/registry/pods/')?.growth).toEqual({
      keys: 0,
      revisions: 0,
      revisionBytes: 0,
    });
    await on.cluster.etcdctl(['del', '--prefix', '/growing/'], ['m1']);
  });

  it('goes on at a newer revision where history is compacted meanwhile, and says so', async () => {
    const page = KeyReader.prototype.page;
    let pages = 0;
    KeyReader.prototype.page = async function (this: KeyReader, ...of) {
      pages += 1;
      if (pages === 3) {
        await connection.kv.put({ key: Buffer.from('/zzz/later'), value: Buffer.from('x') });
        const { revision } = await leaderOf(on);
        await on.cluster.etcdctl(['compact', revision, '--physical'], ['m1']);
        await Promise.all(on.etcd.members.map((member) => untilCompacted(member, revision)));
      }
      return page.apply(this, of);
    };
    try {
      const analysis = await analyzeStore(on.etcd, configured(), REQUEST);
      expect(analysis).toMatchObject({ newerRevisions: 1, isWhole: true, compactRevision: '0' });
      expect(analysis.readKeys).toBe(861);
      expect(analysis.groups.find(({ prefix }) => prefix === '/registry/pods/')?.keys).toBe(300);
    } finally {
      KeyReader.prototype.page = page;
    }
    const { compactRevision, groups } = await analyzeStore(on.etcd, configured(), REQUEST);
    expect(Number(compactRevision)).toBeGreaterThan(0);
    expect(groups.find(({ prefix }) => prefix === '/registry/leases/')).toMatchObject({ keys: 80, revisions: 80 });
  });

  it('reads no more at once than a page, however large the values are, and says what share the time was enough for', async () => {
    for (let key = 0; key < 12; key++) {
      await connection.kv.put({ key: Buffer.from(`/blobs/${key}`), value: Buffer.alloc(MIB, 'x') });
    }
    // The last keys that there can be, which no prefix is behind.
    for (const key of [[0xff], [0xff, 0xff], [0xff, 0xff, 0x00], [0xff, 0xff, 0xff, 0x2f, 0x61], [0x01, 0x00]]) {
      await connection.kv.put({ key: Buffer.from(key), value: Buffer.from('x') });
    }
    const { page } = KeyReader.prototype;
    const sizes: number[] = [];
    KeyReader.prototype.page = async function (this: KeyReader, ...of) {
      const read = await page.apply(this, of);
      sizes.push(read.bytes);
      return read;
    };
    try {
      const whole = await analyzeStore(on.etcd, configured(), REQUEST);
      expect(whole.groups[0]).toMatchObject({ prefix: '/blobs/', keys: 12, bytes: 12 * MIB + 12 * 7 + 14 });
      expect([whole.isWhole, whole.readKeys]).toEqual([true, whole.totalKeys]);
      // But for the page in which they begin, whose size nobody could know.
      expect(sizes.filter((bytes) => bytes > 1.5 * MIB).length).toBeLessThanOrEqual(1);
      KeyReader.prototype.page = async function (this: KeyReader, ...of) {
        const read = await page.apply(this, of);
        await new Promise((resolve) => setTimeout(resolve, 400));
        return read;
      };
      const part = await analyzeStore(on.etcd, configured(), { ...REQUEST, seconds: 1 });
      expect(part.isWhole).toBe(false);
      expect(part.readKeys).toBeGreaterThan(0);
      expect(part.readKeys).toBeLessThan(part.totalKeys);
      expect(part.stoppedIn).not.toBe('');
    } finally {
      KeyReader.prototype.page = page;
    }
  });

  it('is refused with what to grant where the login may not read everything', async () => {
    await on.cluster.etcdctl(['user', 'add', 'reader:secret-word'], ['m1']);
    const reader = new EtcdCluster(configured(), {
      ...on.secrets,
      login: { username: 'reader', password: 'secret-word' },
    });
    try {
      await expect(analyzeStore(reader, configured(), REQUEST)).rejects.toMatchObject({
        name: 'PreconditionFailed',
        message: expect.stringContaining('etcdctl user grant-role USER root'),
      });
    } finally {
      reader.close();
    }
  });

  it('of a store that is full and not fragmented is the end of the error, and is made while etcd refuses writes', async () => {
    await fill(on.etcd, { keys: 100_000, prefix: '/live' });
    // What has been free until then is used up as well.
    await on.cluster.etcdctl(['compact', (await leaderOf(on)).revision, '--physical'], ['m1']);
    for (const { name } of on.cluster.members) await on.cluster.etcdctl(['defrag'], [name]);
    await on.cluster.etcdctl(['alarm', 'disarm'], ['m1']);
    await fill(on.etcd, { keys: 100_000, prefix: '/live/more' });
    const full = await analyzeStore(on.etcd, configured(), REQUEST);
    expect(
      full.groups
        .map(({ prefix }) => prefix)
        .slice(0, 2)
        .toSorted(),
    ).toEqual(['/blobs/', '/live/']);
    const end = await remediate(on.platform);
    expect(end).toMatchObject({ status: 'FAILED', error: 'VerificationFailed' });
    const { cause = '' } = end as { cause?: string };
    expect(cause).toContain('The database is full, not fragmented');
    expect(cause).toMatch(
      /\nWhat fills it \(\d+ of \d+ keys read, from m\d at revision \d+\):\n- \/live\/ \(others\): \d+ %, .*\n- \/blobs\/: \d+ %/,
    );
    expect(cause).toContain('"etcd-remediation analyze drill" shows more.');
  });
});
