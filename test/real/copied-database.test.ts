import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HeldSnapshot } from '../../lambdas/backups/held-snapshot.ts';
import { knownAfter, knownBefore } from '../../lambdas/backups/known-at.ts';
import type { EtcdMember } from '../../lambdas/etcd/member.ts';
import { type EtcdBinaries, findEtcd } from '../../local/etcd/binaries.ts';
import { type LocalCluster, startCluster } from '../../local/etcd/cluster.ts';
import { etcdEnvironment, findOnPath } from '../../local/etcd/executables.ts';
import { freePorts, HOST } from '../../local/etcd/ports.ts';
import { PreparedHost } from '../documents/prepared-host.ts';
import { succeed } from '../documents/script.ts';
import { connectTo, eventually } from '../lambdas/etcd/support.ts';

const KEYS = 600;
const VALUE_BYTES = 48 * 1024;
const ROUNDS = Number(process.env.COPY_ROUNDS ?? 2);
const WITHIN_MS = 120_000;
/** As a slow disk: a copy of these databases takes some seconds. */
const SLOW_GZIP = `
const zlib = require('node:zlib');
const { Transform } = require('node:stream');
const slow = new Transform({ transform(chunk, _, done) { setTimeout(() => done(null, chunk), chunk.length / 12000); } });
process.stdin.pipe(slow).pipe(zlib.createGzip({ level: 1 })).pipe(process.stdout);`;

describe.each(['3.4.23', '3.5.30', '3.6.16', '3.7.3'])('a copy of the database of etcd %s', (version) => {
  let binaries: EtcdBinaries;
  let cluster: LocalCluster;
  let member: EtcdMember;
  let host: PreparedHost;
  let load: Load | undefined;
  beforeEach(async () => {
    binaries = await findEtcd(version);
    cluster = await startCluster({ binaries, members: 1, extraArgs: ['--snapshot-count=2000'] });
    member = connectTo(cluster, { deadlineMs: WITHIN_MS });
    for (let key = 0; key < KEYS; key++) await member.put(keyOf(key), randomValue());
    host = new PreparedHost();
    host.write('gzip.cjs', SLOW_GZIP);
    host.program(
      'gzip',
      `case "$*" in *-c*) exec '${process.execPath}' '${host.path('gzip.cjs')}' ;; esac; exec '${await findOnPath('gzip')}' "$@"`,
    );
  });
  afterEach(async () => {
    await load?.stop();
    load = undefined;
    member?.close();
    await cluster?.close();
    host?.[Symbol.dispose]();
  });

  const dataDir = () => cluster.members[0]?.dataDir ?? '';
  const database = () => join(dataDir(), 'member/snap/db');
  const copied = () => gunzipSync(readFileSync(join(dataDir(), '..', '.etcd-remediation.m1.run-1/snapshot')));
  async function parametersFor(): Promise<Record<string, string>> {
    const { id: memberId, clusterId } = await member.status();
    const of = { dataDir: dataDir(), walDir: '', execution: 'run-1', memberId, clusterId, url: '' };
    const { inode } = Object(await succeed(host.access, 'copy-database', { ...of, metas: '', inode: '0' }));
    return { ...of, inode };
  }

  it(`is the member's own at that moment, whatever is written while it is made`, async () => {
    load = new Load(member);
    let compared = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const parameters = await parametersFor();
      const { status, known } = await knownBefore(member);
      const signal = AbortSignal.timeout(WITHIN_MS);
      const held = await HeldSnapshot.open(member.heldSnapshot(WITHIN_MS, signal), 'm1');
      const after = await knownAfter(member, status);
      const writesBefore = load.writes;
      const { copy } = Object(await succeed(host.access, 'copy-database', { ...parameters, metas: held.metas.hex }));
      await held.requireKept();
      await held.close();
      expect(load.writes - writesBefore).toBeGreaterThan(30);
      const snapshot = copied();
      expect(snapshot.length).toBe(copy?.sizeBytes);
      const restored = await restoredFrom(snapshot, binaries, known.revision);
      expect(Number(restored.revision)).toBeGreaterThanOrEqual(Number(known.revision));
      expect(Number(restored.revision)).toBeLessThanOrEqual(Number(after.revisionAtMost));
      // It was compacted in this moment, and nobody can compare.
      if (after.keys === null || after.hash?.compactRevision !== restored.hash.compactRevision) continue;
      expect({ keys: restored.keys, hash: restored.hash.hash }).toEqual({ keys: after.keys, hash: after.hash.hash });
      compared += 1;
    }
    expect(compared).toBeGreaterThan(0);
  });

  it('is torn, and does not count, where the snapshot was not kept open for so long', async () => {
    load = new Load(member);
    let isTorn = false;
    for (let tries = 0; !isTorn && tries < 5; tries++) {
      const parameters = await parametersFor();
      const { known } = await knownBefore(member);
      const ending = new AbortController();
      const held = await HeldSnapshot.open(member.heldSnapshot(WITHIN_MS, ending.signal), 'm1');
      ending.abort(new Error('cut off'));
      await succeed(host.access, 'copy-database', { ...parameters, metas: held.metas.hex });
      await expect(held.requireKept()).rejects.toThrow();
      isTorn = await restoredFrom(copied(), binaries, known.revision).then(
        () => false,
        () => true,
      );
    }
    // Else what is written here would prove nothing of the copies above.
    expect(isTorn).toBe(true);
  });

  it('is not made of what a defragmentation leaves, which waits for the snapshot', async () => {
    const parameters = await parametersFor();
    const held = await HeldSnapshot.open(member.heldSnapshot(WITHIN_MS, AbortSignal.timeout(WITHIN_MS)), 'm1');
    const waiting = member.defragment(WITHIN_MS);
    await eventually(() => expect(member.probe(500)).rejects.toMatchObject({ name: 'EtcdUnavailable' }));
    expect(String(statSync(database()).ino)).toBe(parameters.inode);
    const { metas } = held;
    await held.close();
    await waiting;
    expect(await succeed(host.access, 'copy-database', { ...parameters, metas: metas.hex })).toEqual({
      inode: String(statSync(database()).ino),
      copy: null,
    });
  });
});

const keyOf = (key: number) => `key/${key}`;
const randomValue = () => randomBytes(Math.floor((Math.random() * VALUE_BYTES) / 2) + VALUE_BYTES / 4).toString('hex');

/** Writes as fast as it can: new values, deletions, and compactions, so that pages are freed and used again all the time. */
class Load {
  writes = 0;
  #isStopped = false;
  readonly #running: Promise<unknown>;

  constructor(member: EtcdMember) {
    const write = async (writer: number) => {
      while (!this.#isStopped) {
        const key = keyOf(Math.floor(Math.random() * KEYS));
        await (Math.random() < 0.2 ? member.delete(key) : member.put(key, randomValue()));
        await member.put(`small/${writer}/${this.writes}`, 'x');
        this.writes += 1;
      }
    };
    const compact = async () => {
      while (!this.#isStopped) {
        const { revision } = await member.status();
        await member.compact(String(Math.max(1, Number(revision) - 100)), WITHIN_MS).catch(() => undefined);
        await new Promise((resolve) => setTimeout(resolve, 700));
      }
    };
    this.#running = Promise.all([compact(), ...Array.from({ length: 6 }, (_, writer) => write(writer))]);
    this.#running.catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }
}

/** What a member holds that is started on it, as etcd's own program restores it, with its hash checked. */
async function restoredFrom(snapshot: Buffer, binaries: EtcdBinaries, revision: string) {
  const folder = mkdtempSync(join(tmpdir(), 'etcd-remediation-copied-'));
  try {
    writeFileSync(join(folder, 'snapshot'), snapshot);
    const ports = await freePorts();
    const peerUrl = `http://${HOST}:${ports.peer}`;
    execFileSync(
      binaries.etcdutl ?? binaries.etcdctl,
      [
        ...['snapshot', 'restore', join(folder, 'snapshot'), '--data-dir', join(folder, 'data'), '--name', 'm1'],
        ...['--initial-cluster', `m1=${peerUrl}`, '--initial-advertise-peer-urls', peerUrl],
      ],
      { env: { ...etcdEnvironment(), ETCDCTL_API: '3' }, stdio: 'pipe' },
    );
    await using restored = await startCluster({
      ...{ binaries, members: 1 },
      kept: [{ dataDir: join(folder, 'data'), ports }],
    });
    const member = connectTo(restored);
    try {
      const [{ revision: at }, keys, hash] = await Promise.all([
        member.status(),
        member.countKeys(revision, WITHIN_MS),
        member.hashAt(revision, WITHIN_MS),
      ]);
      return { revision: at, keys, hash };
    } finally {
      member.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
