import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EtcdMember } from '../../../lambdas/etcd/member.ts';
import { handler } from '../../../lambdas/steps/defragment-member.ts';
import { findEtcd } from '../../../local/etcd/binaries.ts';
import { type LocalCluster, startCluster } from '../../../local/etcd/cluster.ts';

const QUOTA_BYTES = 2 ** 31;
const VALUE = 'x'.repeat(1024 * 1024);

describe('defragmenting a member', () => {
  let cluster: LocalCluster;
  let member: EtcdMember;
  beforeAll(async () => {
    cluster = await startCluster({ binaries: await findEtcd('3.5.16'), members: 1 });
    const [{ name, clientUrl }] = cluster.members as [LocalCluster['members'][number]];
    member = new EtcdMember({ name, clientUrl, quotaBytes: QUOTA_BYTES });
    for (let written = 0; written < 120; written++) await member.put(`fill/${written % 60}`, VALUE);
    await member.compact((await member.status()).revision, 10_000);
  });
  afterAll(async () => {
    member?.close();
    await cluster?.close();
  });

  /** Runs the step as if Lambda would end it after `remainingMs`. */
  function defragment(remainingMs: number) {
    const members = cluster.members.map(({ name, clientUrl, peerUrl }) => ({ name, clientUrl, peerUrl }));
    const event = { cluster: { name: 'step', members, quotaBackendBytes: QUOTA_BYTES }, parameters: {}, member: 'm1' };
    return handler(event, { getRemainingTimeInMillis: () => remainingMs } as Context);
  }

  it('succeeds although the call ran into its deadline: etcd goes on, and the size afterwards counts', async () => {
    // Of the remaining time, 90 s are kept for waiting: the call itself gets 10 ms, and 60 MiB take longer than that.
    const before = await member.status();
    const result = await defragment(90_010);
    expect(result.dbSizeBytesBefore).toBe(before.dbSizeBytes);
    expect(result.dbSizeBytesAfter).toBeLessThan(0.8 * before.dbSizeBytes);
    expect((await member.status()).dbSizeBytes).toBe(result.dbSizeBytesAfter);
  });

  it('leaves a member alone that has nothing left to give back, so that it can be run twice', async () => {
    const { dbSizeBytesBefore, dbSizeBytesAfter } = await defragment(600_000);
    expect(dbSizeBytesAfter).toBe(dbSizeBytesBefore);
  });

  it('is transient when the member does not answer in time', async () => {
    cluster.pauseMember('m1');
    try {
      await expect(defragment(13_000)).rejects.toMatchObject({ name: 'EtcdUnavailable' });
    } finally {
      cluster.resumeMember('m1');
    }
  });
});
