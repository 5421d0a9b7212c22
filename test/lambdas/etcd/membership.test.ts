import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EtcdUnavailable } from '../../../core/errors.ts';
import { EtcdCluster } from '../../../lambdas/etcd/cluster.ts';
import type { EtcdMember } from '../../../lambdas/etcd/member.ts';
import { findEtcd } from '../../../local/etcd/binaries.ts';
import { type LocalCluster, startCluster } from '../../../local/etcd/cluster.ts';
import { WAIT_MS } from '../../run/patience.ts';
import { TESTED_RELEASES } from '../../run/tested-releases.ts';
import { until } from '../../scenes/scene.ts';

/** Nothing ever listens there. */
const ABSENT = 'http://127.0.0.1:2';
const QUOTA_BYTES = 16 * 1024 * 1024;

describe.each(TESTED_RELEASES)('the membership of etcd %s', (version) => {
  let local: LocalCluster;
  let etcd: EtcdCluster;
  beforeAll(async () => {
    local = await startCluster({ binaries: await findEtcd(version), members: 3, quotaBackendBytes: QUOTA_BYTES });
    const members = local.members.map(({ name, clientUrl, peerUrl }) => ({ name, clientUrl, peerUrl }));
    etcd = new EtcdCluster({ name: 'test', members, quotaBackendBytes: QUOTA_BYTES }, {});
  });
  afterAll(async () => {
    etcd?.close();
    await local?.close();
  });

  async function leader(): Promise<EtcdMember> {
    return etcd.leaderIn(await etcd.observe());
  }

  /** etcd wants its members connected for five seconds before it changes its membership. */
  async function whenSettled(change: () => Promise<boolean>): Promise<boolean> {
    let changed: boolean | undefined;
    await until(async () => {
      changed = await change().catch((error: unknown) => {
        if (error instanceof EtcdUnavailable) return undefined;
        throw error;
      });
      return changed !== undefined;
    }, 250);
    return changed as boolean;
  }

  it('takes a member once, and loses it once; a second time is no error', async () => {
    const asked = await leader();
    expect(await whenSettled(() => asked.addMember([ABSENT], true))).toBe(true);
    const { memberList } = await etcd.observe();
    const added = memberList.find(({ peerUrls }) => peerUrls.includes(ABSENT));
    expect(added).toEqual({ id: expect.any(String), name: '', peerUrls: [ABSENT], clientUrls: [], isLearner: true });
    expect(await asked.addMember([ABSENT], true)).toBe(false);
    expect(await asked.removeMember(added?.id ?? '')).toBe(true);
    expect(await asked.removeMember(added?.id ?? '')).toBe(false);
    expect(await whenSettled(() => asked.addMember([ABSENT], true))).toBe(true);
    const again = (await etcd.observe()).memberList.find(({ peerUrls }) => peerUrls.includes(ABSENT));
    expect(again?.id).not.toBe(added?.id);
    expect(await asked.removeMember(again?.id ?? '')).toBe(true);
    expect((await etcd.observe()).memberList).toHaveLength(3);
  });

  it('promotes a learner once it is in sync, and says so of one that never started', async () => {
    const asked = await leader();
    await whenSettled(() => asked.addMember([ABSENT], true));
    const { memberList } = await etcd.observe();
    const { id = '' } = memberList.find(({ peerUrls }) => peerUrls.includes(ABSENT)) ?? {};
    await expect(asked.promoteMember(id)).rejects.toMatchObject({ name: 'EtcdUnavailable', reason: 'NotInSync' });
    await asked.removeMember(id);

    const learner = await local.addLearner('m4');
    const listed = (await etcd.observe()).memberList.find(({ name }) => name === learner.name);
    await until(() => asked.promoteMember(listed?.id ?? '').catch(() => false), 100);
    expect(await whenSettled(() => asked.promoteMember(listed?.id ?? ''))).toBe(false);
    expect((await etcd.observe()).memberList.every(({ isLearner }) => !isLearner)).toBe(true);
  });

  it('has the same hash everywhere at one revision, whatever is written afterwards', async () => {
    const [member] = etcd.members;
    await member?.put('hashed', 'before');
    const { revision } = (await member?.status()) ?? { revision: '' };
    await member?.put('hashed', 'after');
    await until(async () => {
      const { members } = await etcd.observe();
      return members.every((seen) => seen.answering && BigInt(seen.revision) > BigInt(revision));
    });
    const hashes = await Promise.all(etcd.members.map((each) => each.hashAt(revision, WAIT_MS)));
    expect(hashes[0]?.hash).toBeGreaterThan(0);
    expect(hashes).toEqual(hashes.map(() => hashes[0]));
    const later = await member?.hashAt((BigInt(revision) + 1n).toString(), WAIT_MS);
    expect(later?.hash).not.toBe(hashes[0]?.hash);
  });
});
