import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { whileItServes } from '../../lambdas/backups/while-it-serves.ts';
import type { EtcdMember } from '../../lambdas/etcd/member.ts';
import { findEtcd } from '../../local/etcd/binaries.ts';
import { type LocalCluster, startCluster } from '../../local/etcd/cluster.ts';
import { connectTo, eventually } from '../lambdas/etcd/support.ts';

const MIB = 1024 * 1024;
/** More than what may be on its way between a member and whoever reads from it. */
const KEYS = 48;

let cluster: LocalCluster | undefined;
let member: EtcdMember | undefined;
afterEach(async () => {
  member?.close();
  await cluster?.close();
});

/** Takes the first piece, and no other. */
async function readWithoutEnd(member: EtcdMember, signal: AbortSignal, begun: () => void): Promise<void> {
  for await (const _ of member.snapshot(60_000, signal)) {
    begun();
    await sleep(60_000, undefined, { signal }).catch(() => undefined);
  }
}

it('a backup that takes long ends as soon as its member is to be defragmented, which waits for it', async () => {
  cluster = await startCluster({ binaries: await findEtcd('3.5.30'), members: 1 });
  const source = connectTo(cluster);
  member = source;
  for (let key = 0; key < KEYS; key++) await source.put(`large/${key}`, randomBytes(MIB / 2).toString('hex'));

  // Nobody gives way: the member serves nobody until the snapshot is over.
  const ending = new AbortController();
  const begun = Promise.withResolvers<void>();
  const stubborn = readWithoutEnd(source, ending.signal, begun.resolve).catch((error: unknown) => error);
  await begun.promise;
  const waiting = source.defragment(60_000);
  await eventually(() => expect(source.probe(1_000)).rejects.toMatchObject({ reason: 'Deadline' }));
  await expect(source.probe(3_000)).rejects.toMatchObject({ reason: 'Deadline' });
  ending.abort(new Error('ended'));
  await waiting;
  expect(await stubborn).toMatchObject({ message: 'ended' });

  const begunAgain = Promise.withResolvers<void>();
  const yielding = whileItServes(source, (signal) => readWithoutEnd(source, signal, begunAgain.resolve));
  await begunAgain.promise;
  await Promise.all([
    source.defragment(60_000),
    expect(yielding).rejects.toMatchObject({ name: 'EtcdUnavailable', message: expect.stringContaining('gives way') }),
  ]);
  await source.probe(3_000);
});
