import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EtcdMember } from '../../../lambdas/etcd/member.ts';
import { handler } from '../../../lambdas/steps/defragment-member.ts';
import { findEtcd } from '../../../local/etcd/binaries.ts';
import { type LocalCluster, startCluster } from '../../../local/etcd/cluster.ts';
import { WAIT_MS } from '../../run/patience.ts';
import { until } from '../../scenes/scene.ts';

const QUOTA_BYTES = 2 ** 31;
const VALUE = 'x'.repeat(1024 * 1024);
const FINISH = { action: 'Finish', summary: 'No member is left to defragment.' };

/** A store of which half can be given back, by each of all its members. */
async function fragment(members: readonly EtcdMember[]): Promise<void> {
  const [first] = members as [EtcdMember];
  for (let written = 0; written < 120; written++) await first.put(`fill/${written % 60}`, VALUE);
  const { revision } = await first.status();
  await Promise.all(members.map((member) => member.compact(revision, WAIT_MS)));
}

function eventFor({ members }: LocalCluster, member: string, defragmented: string[] = [], quotaBytes = QUOTA_BYTES) {
  const configured = members.map(({ name, clientUrl, peerUrl }) => ({ name, clientUrl, peerUrl }));
  const loaded = { cluster: { name: 'step', members: configured, quotaBackendBytes: quotaBytes }, parameters: {} };
  return { ...loaded, member, leftOut: [], quotas: [], withoutRoom: [], defragmented, turn: 0 };
}

const contextOf = (remainingMs: number) => ({ getRemainingTimeInMillis: () => remainingMs }) as Context;

describe('defragmenting a member that is not the next', () => {
  it('leaves it as it is, and says who is', async () => {
    await using cluster = await startCluster({ binaries: await findEtcd('3.5.16'), members: 3 });
    const members = cluster.members.map(
      ({ name, clientUrl }) => new EtcdMember({ name, clientUrl, quotaBytes: QUOTA_BYTES }),
    );
    try {
      await fragment(members);
      const sizes = () => Promise.all(members.map(async (member) => (await member.status()).dbSizeBytes));
      const before = await sizes();
      const { leaderId } = await (members[0] as EtcdMember).status();
      const ids = await Promise.all(members.map(async (member) => (await member.status()).id));
      const [leader = '', ...followers] = cluster.members
        .map(({ name }, at) => ({ name, leads: ids[at] === leaderId }))
        .toSorted((a, b) => Number(b.leads) - Number(a.leads))
        .map(({ name }) => name);
      const [next = '', other = ''] = followers;
      for (const name of [leader, other]) {
        expect(await handler(eventFor(cluster, name), contextOf(600_000))).toMatchObject({
          defragmentations: [],
          next: { action: 'Defragment', member: next },
        });
      }
      expect(await sizes()).toEqual(before);
    } finally {
      for (const member of members) member.close();
    }
  });
});

describe('defragmenting a member', () => {
  let cluster: LocalCluster;
  let member: EtcdMember;
  beforeAll(async () => {
    cluster = await startCluster({ binaries: await findEtcd('3.5.16'), members: 1 });
    const [{ name, clientUrl }] = cluster.members as [LocalCluster['members'][number]];
    member = new EtcdMember({ name, clientUrl, quotaBytes: QUOTA_BYTES });
    await fragment([member]);
  });
  afterAll(async () => {
    member?.close();
    await cluster?.close();
  });

  /** Runs the step as if Lambda would end it after `remainingMs`. */
  function defragment(remainingMs: number, defragmented: string[] = [], quotaBytes = QUOTA_BYTES) {
    return handler(eventFor(cluster, 'm1', defragmented, quotaBytes), contextOf(remainingMs));
  }

  const answers = (call: Promise<unknown>) =>
    call.then(
      () => true,
      () => false,
    );

  it('does nothing when it is not the next thing to do, however often it was chosen before', async () => {
    const { dbSizeBytes } = await member.status();
    expect(await defragment(600_000, ['m1', 'm1'])).toEqual({
      defragmentations: [],
      next: FINISH,
      summary: 'Left as it is for now. No member is left to defragment.',
    });
    expect((await member.status()).dbSizeBytes).toBe(dbSizeBytes);
  });

  it('leaves a store that is full and not fragmented to the next choice, which says what fills it', async () => {
    const { dbSizeBytes } = await member.status();
    expect(await defragment(600_000, [], 2 ** 25)).toMatchObject({ defragmentations: [], next: { action: 'Choose' } });
    expect((await member.status()).dbSizeBytes).toBe(dbSizeBytes);
  });

  it('does nothing while the member does not answer: the next choice waits for it', async () => {
    cluster.pauseMember('m1');
    try {
      await until(() => answers(member.status(1_000)).then((does) => !does));
      expect(await defragment(600_000)).toEqual({
        defragmentations: [],
        next: { action: 'Choose', summary: 'What is next is not known yet: the next step asks again.' },
        summary: 'Left as it is for now. What is next is not known yet: the next step asks again.',
      });
    } finally {
      cluster.resumeMember('m1');
    }
    // It may have to elect itself anew, and until then it is left alone.
    await until(() => answers(member.readThroughConsensus()));
  });

  it('succeeds although the call ran into its deadline: etcd goes on, and the size afterwards counts', async () => {
    const before = (await member.status()).dbSizeBytes;
    // Of the remaining time, 90 s are kept for waiting: the call itself gets 10 ms, and 60 MiB take longer than that. On a busy
    // machine 10 ms may pass before the member has the call: that is a try which gives nothing back, and the next one follows.
    for (let tries = 0; tries < 50; tries++) {
      const { defragmentations, next } = await defragment(90_010);
      const after = (await member.status()).dbSizeBytes;
      expect(defragmentations).toEqual([{ member: 'm1', dbSizeBytesBefore: before, dbSizeBytesAfter: after }]);
      expect(next).toMatchObject(after === before ? { action: 'Defragment', member: 'm1' } : FINISH);
      if (after !== before) break;
    }
    expect((await member.status()).dbSizeBytes).toBeLessThan(0.8 * before);
  });

  it('leaves a member alone that has nothing left to give back, so that it can be run twice', async () => {
    expect(await defragment(600_000)).toEqual({
      defragmentations: [],
      next: FINISH,
      summary: 'Left as it is for now. No member is left to defragment.',
    });
  });
});
