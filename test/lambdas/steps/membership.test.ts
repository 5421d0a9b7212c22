import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EtcdCluster } from '../../../lambdas/etcd/cluster.ts';
import { handler as compareHashes } from '../../../lambdas/steps/compare-hashes.ts';
import { handler as waitForMember } from '../../../lambdas/steps/wait-for-member.ts';
import { findEtcd } from '../../../local/etcd/binaries.ts';
import { type LocalCluster, startCluster } from '../../../local/etcd/cluster.ts';
import { until } from '../../scenes/scene.ts';

const QUOTA_BYTES = 2 ** 31;
const MINUTES = { getRemainingTimeInMillis: () => 300_000 } as Context;

describe('with three voters and a learner that stays one,', () => {
  let local: LocalCluster;
  beforeAll(async () => {
    local = await startCluster({ binaries: await findEtcd('3.5.30'), members: 3, quotaBackendBytes: QUOTA_BYTES });
    await local.addLearner('m4');
  });
  afterAll(() => local?.close());

  const configured = () => ({
    name: 'step',
    members: local.members.map(({ name, clientUrl, peerUrl }) => ({
      name,
      clientUrl,
      peerUrl,
      ...(name === 'm4' && { learner: true }),
    })),
    quotaBackendBytes: QUOTA_BYTES,
  });

  it('hashes are compared at one revision on every voter, while writes go on', async () => {
    const etcd = new EtcdCluster(configured(), {});
    let writing = true;
    const writes = (async () => {
      for (let count = 0; writing; count++) await etcd.members[0]?.put(`key/${count % 10}`, `${count}`);
    })();
    try {
      const first = await compareHashes({ cluster: configured() }, MINUTES);
      expect(first).toMatchObject({ hash: expect.any(Number), members: ['m1', 'm2', 'm3'] });
      const second = await compareHashes({ cluster: configured() }, MINUTES);
      expect(BigInt(second.revision)).toBeGreaterThan(BigInt(first.revision));
      expect(second.hash).not.toBe(first.hash);
    } finally {
      writing = false;
      await writes;
      etcd.close();
    }
  });

  it('hashes are not compared while a member is down', async () => {
    local.pauseMember('m2');
    try {
      await expect(compareHashes({ cluster: configured() }, MINUTES)).rejects.toMatchObject({
        name: 'EtcdUnavailable',
      });
    } finally {
      local.resumeMember('m2');
    }
  });

  it('a member that is caught up is waited for no longer, the learner that stays one as well', async () => {
    const etcd = new EtcdCluster(configured(), {});
    await until(async () => (await etcd.observe()).members.every((member) => member.answering));
    etcd.close();
    for (const member of ['m3', 'm4']) {
      const progress = await waitForMember({ cluster: configured(), member }, MINUTES);
      expect(progress).toMatchObject({ member, answering: true });
      expect(BigInt(progress.distance)).toBeLessThan(1000n);
    }
  });

  it('the wait for a member that is down ends after a while, and says that it does not answer', async () => {
    await local.stopMember('m4');
    expect(await waitForMember({ cluster: configured(), member: 'm4' }, MINUTES)).toEqual({
      member: 'm4',
      answering: false,
      raftAppliedIndex: '0',
      leaderAppliedIndex: expect.stringMatching(/^\d+$/),
      distance: expect.stringMatching(/^\d+$/),
      summary: 'It does not answer yet.',
    });
  });
});
