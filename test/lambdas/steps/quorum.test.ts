import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Cluster } from '../../../core/cluster/clusters.ts';
import type { QuorumReadings } from '../../../core/quorum-recovery/contracts.ts';
import { EtcdCluster } from '../../../lambdas/etcd/cluster.ts';
import { handler as assessQuorum } from '../../../lambdas/steps/assess-quorum.ts';
import { handler as compareHashes } from '../../../lambdas/steps/compare-hashes.ts';
import { handler as proveWrites } from '../../../lambdas/steps/prove-writes.ts';
import { handler as verifyRecovery } from '../../../lambdas/steps/verify-recovery.ts';
import { handler as waitForQuorum } from '../../../lambdas/steps/wait-for-quorum.ts';
import { findEtcd } from '../../../local/etcd/binaries.ts';
import { type LocalCluster, startCluster } from '../../../local/etcd/cluster.ts';
import { LAYOUT } from '../../lib/stacks.ts';
import { WAIT_MS } from '../../run/patience.ts';
import { TESTED_RELEASES } from '../../run/tested-releases.ts';
import { setAlarm } from '../../scenes/scene.ts';
import { configurationOf, eventually, ROOT } from '../etcd/support.ts';
import { serveSecrets } from './secrets.ts';

const MINUTES = { getRemainingTimeInMillis: () => 300_000 } as Context;
const SECRET = 'quorum/root';
const PARAMETERS = { confirmSeconds: 1, acceptFewerMembers: false };

let closeSecrets: () => Promise<void>;
beforeAll(async () => {
  closeSecrets = await serveSecrets({ [SECRET]: ROOT });
});
afterAll(() => closeSecrets?.());

function configured(local: LocalCluster, auth: boolean): Cluster {
  const { members, ...rest } = configurationOf(local);
  return {
    ...rest,
    layout: LAYOUT,
    members: members.map((member) => ({ ...member, host: `host-${member.name}` })),
    ...(auth && { auth: { secret: SECRET } }),
  };
}

/** `npm test` has each release with or without authentication, and both among them. */
const CASES = TESTED_RELEASES.flatMap((version, index) => {
  const both = [false, true].map((auth) => [version, auth] as const);
  return process.env.TEST_WORLDS === 'all' ? both : both.slice(index % 2, (index % 2) + 1);
});

describe.each(CASES)('etcd %s, with authentication: %s:', (version, auth) => {
  let local: LocalCluster;
  let cluster: Cluster;
  beforeAll(async () => {
    local = await startCluster({ binaries: await findEtcd(version), members: 3 });
    if (auth) await local.enableAuth(ROOT.password);
    cluster = configured(local, auth);
  });
  afterAll(() => local?.close());

  const assess = (readings: QuorumReadings = { lost: 0, total: 0, committed: {} }) =>
    assessQuorum({ cluster, parameters: PARAMETERS, readings }, MINUTES);
  const look = (waitSeconds: number, held: object[] = []) => waitForQuorum({ cluster, held, waitSeconds }, MINUTES);

  it('there is nothing to do while linearizable reads work', async () => {
    const { verdict, members } = await assess({ lost: 2, total: 2, committed: {} });
    expect(verdict).toBe('NothingToDo');
    expect(members).toMatchObject([{ problem: '' }, { problem: '' }, { problem: '' }]);
    expect(await look(0)).toMatchObject({ led: true });
  });

  it('a quorum that has not come as far as a host’s log of the same cluster has begun empty, and is none', async () => {
    const etcd = new EtcdCluster(cluster, auth ? { login: ROOT } : {});
    onTestFinished(() => etcd.close());
    const [seen] = await etcd.observeMembers((member) => member.status(WAIT_MS));
    const clusterId = seen?.answering ? seen.clusterId : '';
    expect(await look(0, [{ clusterId, commitIndex: '1000000' }])).toMatchObject({
      led: false,
      summary: expect.stringMatching(
        /leads, and a quorum follows it, but only at index \d+\. A host holds the log of this cluster up to index 1000000/,
      ),
    });
    expect(await look(0, [{ clusterId: 'c2', commitIndex: '1000000' }, { clusterId }])).toMatchObject({ led: true });
    // Looks themselves write into the log of etcd: they must not bring it as far.
    const commitIndex = `${BigInt(seen?.answering ? seen.raftCommittedIndex : 0) + 25n}`;
    expect(await look(15, [{ clusterId, commitIndex }])).toMatchObject({ led: false });
  });

  it('every member learns of what is committed, however it was asked for', async () => {
    const { readings: before } = await assess();
    await local.etcdctl(['put', 'key', 'value']);
    await eventually(async () => {
      const { committed } = (await assess(before)).readings;
      for (const name of ['m1', 'm2', 'm3']) {
        expect(BigInt(committed[name] ?? 0), name).toBeGreaterThan(BigInt(before.committed[name] ?? 0));
      }
    });
  });

  it('with one member gone as well: that is none of this runbook', async () => {
    await local.killMember('m1');
    await eventually(async () => expect(await look(0)).toMatchObject({ led: true }));
    expect(await assess()).toMatchObject({ verdict: 'NothingToDo', summary: expect.stringContaining('m1') });
  });

  describe('with two members gone', () => {
    beforeAll(async () => {
      await local.killMember('m2');
      // The last one forgets its leader after an election timeout.
      await eventually(async () => expect((await assess()).verdict).not.toBe('NothingToDo'));
      await eventually(async () => expect((await assess()).readings.lost).toBe(1));
    });

    it('the quorum is lost once three readings have shown it, and every host is to be inspected', async () => {
      const first = await assess();
      expect(first).toMatchObject({ verdict: 'Confirm', readings: { lost: 1, total: 1 } });
      const second = await assess(first.readings);
      expect(second).toMatchObject({ verdict: 'Confirm', readings: { lost: 2, total: 2 } });
      const third = await assess(second.readings);
      expect(third).toMatchObject({ verdict: 'Lost', readings: { lost: 3, total: 3 } });
      expect(third.inspections.map(({ host }) => host)).toEqual(['host-m1', 'host-m2', 'host-m3']);
      expect(third.members.map(({ name, problem }) => [name, problem !== ''])).toEqual([
        ['m1', true],
        ['m2', true],
        ['m3', true],
      ]);
    });

    it('the last one is seen as it is: it follows no leader, or, where a login would need a quorum, tells nothing', async () => {
      const { members } = await assess();
      expect(members[2]).toMatchObject(auth ? { answering: false } : { answering: true, leaderId: '0' });
    });

    it('no quorum is found in a second, and that is an answer', async () => {
      const startedAt = Date.now();
      const sighting = await look(1);
      expect(sighting).toEqual({ led: false, summary: expect.stringMatching(/No leader|no leader/) });
      expect(Date.now() - startedAt).toBeGreaterThanOrEqual(1000);
    });
  });

  describe('with one of them back', () => {
    beforeAll(() => local.startMember('m2'));
    const required = ['m2', 'm3'];

    it('a quorum is found, and there is nothing to do any more', async () => {
      expect(await look(15)).toMatchObject({ led: true });
      await eventually(async () => expect((await assess()).verdict).toBe('NothingToDo'));
    });

    it('it is verified, compared and proven without the one that is still gone', async () => {
      const verified = await eventually(() =>
        verifyRecovery({ cluster, revision: '1', required, restored: false }, MINUTES),
      );
      expect(verified).toMatchObject({ healthy: required, remaining: ['member-failed'] });
      expect(await compareHashes({ cluster, members: required }, MINUTES)).toMatchObject({ members: required });
      const { members } = await proveWrites({ cluster, members: required, execution: 'run-1' }, MINUTES);
      expect(members.map(({ name }) => name).toSorted()).toEqual(required);
    });

    it('none of that is so where all are asked for', async () => {
      const unavailable = { name: 'EtcdUnavailable', message: expect.stringContaining('m1') };
      const all = { cluster, revision: '1', required: ['m1', ...required], restored: false };
      await expect(verifyRecovery(all, MINUTES)).rejects.toMatchObject(unavailable);
      await expect(compareHashes({ cluster }, MINUTES)).rejects.toMatchObject(unavailable);
      await expect(proveWrites({ cluster, execution: 'run-1' }, MINUTES)).rejects.toMatchObject(unavailable);
    });

    it('what was restored has to ask for a login where the configuration names one', async () => {
      const restored = { cluster: configured(local, true), revision: '1', required, restored: true };
      if (auth) {
        expect(await verifyRecovery(restored, MINUTES)).toMatchObject({ healthy: required });
      } else {
        await expect(verifyRecovery(restored, MINUTES)).rejects.toMatchObject({
          name: 'VerificationFailed',
          message: expect.stringContaining('serves clients that have not logged in'),
        });
      }
    });
  });
});

describe('NOSPACE that survived', () => {
  it('is what remains, for the space runbook', async () => {
    await using local = await startCluster({ binaries: await findEtcd('3.5.30'), members: 1 });
    const cluster = configured(local, false);
    const etcd = new EtcdCluster(cluster, {});
    const [member] = (await etcd.observe()).members;
    etcd.close();
    await setAlarm({ cluster: local }, 'Nospace', member?.answering ? member.id : '');
    expect(await verifyRecovery({ cluster, revision: '1', required: ['m1'], restored: true }, MINUTES)).toMatchObject({
      healthy: ['m1'],
      remaining: ['space-exceeded'],
    });
  });
});
