import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CLUSTER_NAME, type Stage } from '../../drills/stage.ts';
import { EtcdMember } from '../../lambdas/etcd/member.ts';
import { ExecutionError } from '../../local/asl/errors.ts';
import type { ExecutionResult } from '../../local/asl/execution.ts';
import { Platform } from '../../local/platform.ts';
import { WAIT_MS } from '../run/patience.ts';
import { requireEtcd } from '../run/require-etcd.ts';
import { sameStage } from '../scenes/same-stage.ts';
import {
  alarmsOf,
  around,
  defragmentedIn,
  fill,
  killFunctions,
  leaderOf,
  MIB,
  remediate,
  setAlarm,
  stage,
  statesOf,
  statuses,
  until,
} from '../scenes/scene.ts';

const onStage = sameStage(stage);

function output(execution: ExecutionResult): Record<string, unknown> & { outcome: string } {
  if (execution.status !== 'SUCCEEDED') throw new Error(`${execution.status} ${execution.error}: ${execution.cause}`);
  return execution.output as Record<string, unknown> & { outcome: string };
}

async function expectReclaimed(on: Stage, execution: ExecutionResult): Promise<void> {
  expect(output(execution).outcome).toBe('Remediated');
  expect(await alarmsOf(on)).toEqual([]);
  for (const member of await statuses(on)) expect(member.dbSizeBytes).toBeLessThan(8 * MIB);
}

describe('the space runbook brings a full cluster back', () => {
  it.for([
    // etcd 3.4 goes on telling the old dbSizeInUse after a compaction that no write follows.
    { on: 'one member of etcd 3.4.23', options: { etcd: '3.4.23', members: 1 } },
    { on: 'three members', options: {} },
  ])('although somebody compacted it already ($on)', async ({ options }, test) => {
    if (options.etcd) await requireEtcd(options.etcd, test);
    const full = await onStage(options);
    await fill(full.etcd, { keys: 20 });
    const { revision } = await leaderOf(full);
    await full.cluster.etcdctl(['compact', revision, '--physical']);
    await expectReclaimed(full, await remediate(full.platform));
  });

  it('although the leader changes to the very member whose turn it is', async () => {
    const full = await onStage();
    await fill(full.etcd, { keys: 40 });
    using _ = around(full.platform, 'defragment-member', {
      after: async (invocation) => {
        if (invocation !== 1) return;
        const leader = await leaderOf(full);
        const next = (await statuses(full)).find((member) => member !== leader && member.dbSizeBytes > 8 * MIB);
        await full.etcd.member(leader.name).moveLeader(next?.id ?? '');
      },
    });
    const execution = await remediate(full.platform);
    await expectReclaimed(full, execution);
    expect(statesOf(execution)).toContain('Move leadership');
  });

  it('although leadership moves to the chosen member before its turn: it is not defragmented while it leads', async () => {
    const full = await onStage();
    await fill(full.etcd, { keys: 40 });
    using _ = around(full.platform, 'defragment-member', {
      before: async (invocation, { member = '' }) => {
        if (invocation !== 1) return;
        const [leader, chosen] = [await leaderOf(full), (await statuses(full)).find(({ name }) => name === member)];
        await full.etcd.member(leader.name).moveLeader(chosen?.id ?? '');
      },
    });
    const execution = await remediate(full.platform);
    await expectReclaimed(full, execution);
    expect(defragmentedIn(execution)).toHaveLength(3);
    expect(statesOf(execution).filter((name) => name === 'Defragment member')).toHaveLength(4);
  });

  it('although another member goes down before the turn of the chosen one: it waits, and keeps the quorum', async () => {
    const full = await onStage();
    await fill(full.etcd, { keys: 40 });
    let sizeWhileDown: number | undefined;
    let down = '';
    let restarted: Promise<void> | undefined;
    using _ = around(full.platform, 'defragment-member', {
      before: async (invocation, { member }) => {
        if (invocation !== 1) return;
        down = full.cluster.members.find(({ name }) => name !== member)?.name ?? '';
        await full.cluster.killMember(down);
      },
      after: async (invocation) => {
        if (invocation !== 1) return;
        sizeWhileDown = Math.min(...(await statuses(full)).map(({ dbSizeBytes }) => dbSizeBytes));
        restarted = full.cluster.startMember(down);
      },
    });
    const execution = await remediate(full.platform);
    await restarted;
    await expectReclaimed(full, execution);
    expect(sizeWhileDown).toBeGreaterThan(14 * MIB);
  });

  it('although a member restarts in the middle', async () => {
    const full = await onStage();
    await fill(full.etcd, { keys: 40 });
    let restarted: Promise<void> | undefined;
    using _ = around(full.platform, ['defragment-member', 'choose-next-defragmentation'], {
      before: async (invocation) => {
        if (invocation === 2) await full.cluster.killMember('m3');
        // In between, the step that defragments has left it to the choice, which has failed.
        if (invocation === 4) restarted = full.cluster.startMember('m3');
      },
    });
    const execution = await remediate(full.platform);
    await restarted;
    await expectReclaimed(full, execution);
    expect(execution.history.some((event) => event.taskFailedEventDetails?.error === 'EtcdUnavailable')).toBe(true);
  });

  it('although every Lambda function is killed once after it acted', async () => {
    const full = await onStage();
    await fill(full.etcd, { keys: 40 });
    const steps = [
      'assess-space',
      'compact-history',
      'move-leadership',
      'defragment-member',
      'disarm-alarms',
      'prove-writes',
    ];
    const hooks = steps.map((step) =>
      around(full.platform, step, {
        after: async (invocation) => {
          if (invocation === 1)
            throw new ExecutionError('Runtime.ExitError', '{"errorType":"Runtime.ExitError","errorMessage":"killed"}');
        },
      }),
    );
    const execution = await remediate(full.platform);
    for (const hook of hooks) hook[Symbol.dispose]();
    await expectReclaimed(full, execution);
    expect(execution.history.filter((event) => event.type === 'TaskFailed')).toHaveLength(steps.length);
  });
});

describe('the space runbook, without an alarm,', () => {
  it('prevents one at 80 % of the quota, and keeps the revisions it is told to keep', async () => {
    const filling = await onStage();
    await fill(filling.etcd, { keys: 20, toShare: 0.82 });
    const { revision } = await leaderOf(filling);
    const execution = await remediate(filling.platform, { parameters: { retainRevisions: 30 } });
    await expectReclaimed(filling, execution);
    expect(output(execution).disarmed).toEqual([]);
    const kept = (BigInt(revision) - 30n).toString();
    const compacted = (BigInt(revision) - 31n).toString();
    await expect(filling.cluster.etcdctl(['get', 'fill/0', `--rev=${kept}`])).resolves.toContain('fill/0');
    await expect(filling.cluster.etcdctl(['get', 'fill/0', `--rev=${compacted}`])).rejects.toThrow(
      'has been compacted',
    );
  });

  it('skips a member that has nothing to gain', async () => {
    const filling = await onStage();
    await fill(filling.etcd, { keys: 20, toShare: 0.82 });
    const { revision, name: leader } = await leaderOf(filling);
    const small = (await statuses(filling)).find((member) => member.name !== leader);
    await filling.etcd.member(small?.name ?? '').compact(revision, WAIT_MS);
    await filling.etcd.member(small?.name ?? '').defragment(WAIT_MS);
    const execution = await remediate(filling.platform);
    await expectReclaimed(filling, execution);
    expect(defragmentedIn(execution)).toHaveLength(2);
    expect(defragmentedIn(execution)).not.toContain(small?.name);
  });
});

describe('the space runbook brings other clusters back', () => {
  it('with an alarm of a member that was removed', async () => {
    const full = await onStage();
    const { clientUrl } = await full.cluster.addLearner('gone');
    const gone = new EtcdMember({ name: 'gone', clientUrl, quotaBytes: 16 * MIB });
    const { id } = await gone.status();
    gone.close();
    await fill(full.etcd, { keys: 40 });
    await setAlarm(full, 'Nospace', id);
    await full.cluster.etcdctl(['member', 'remove', id]);
    const execution = await remediate(full.platform);
    await expectReclaimed(full, execution);
    expect(output(execution).disarmed).toContainEqual({ memberId: id, alarm: 'NOSPACE' });
  });

  it('although the function that defragments is killed while etcd is at it', async () => {
    const full = await onStage({ members: 1, sizeMiB: 256 });
    await fill(full.etcd, { keys: 2_000 });
    const dbFolder = join(full.cluster.members[0]?.dataDir ?? '', 'member/snap');
    let killed = 0;
    using _ = around(full.platform, 'defragment-member', {
      before: async (invocation) => {
        if (invocation !== 1) return;
        // etcd writes the new database beside the old one: the call was sent, and is not answered yet.
        void until(async () => (await readdir(dbFolder)).some((file) => file.startsWith('db.tmp')), 1).then(
          async () => {
            killed = await killFunctions('etcd-long');
          },
        );
      },
    });
    const execution = await remediate(full.platform);
    expect(killed).toBe(1);
    expect(execution.history.some((event) => event.taskFailedEventDetails?.error === 'Runtime.ExitError')).toBe(true);
    expect(output(execution).outcome).toBe('Remediated');
    // With a single member there is nobody to take over.
    expect(statesOf(execution)).not.toContain('Move leadership');
    expect(await alarmsOf(full)).toEqual([]);
  });
});

describe('the space runbook, with a learner in the cluster,', () => {
  async function withLearner(on: Stage, filling: { keys: number; toShare?: number }) {
    await on.cluster.addLearner('learner');
    await fill(on.etcd, filling);
    const platform = await Platform.start({
      file: {
        clusters: [
          {
            name: CLUSTER_NAME,
            members: on.cluster.members.map(({ name, clientUrl, peerUrl }) => ({ name, clientUrl, peerUrl })),
            quotaBackendBytes: 16 * MIB,
            ...(on.secrets.login && { auth: { secret: 'root' } }),
          },
        ],
      },
      secrets: { root: on.secrets.login },
    });
    return remediate(platform).finally(() => platform.close());
  }

  async function ownStage(options: Parameters<typeof stage>[0] = {}): Promise<Stage> {
    const made = await stage(options);
    onTestFinished(() => made.close());
    return made;
  }

  // A learner refuses logins: it is looked at with a voter's token.
  it('never defragments it and never makes it leader', async () => {
    const filling = await ownStage({ auth: true });
    const execution = await withLearner(filling, { keys: 20, toShare: 0.82 });
    expect(output(execution).outcome).toBe('Remediated');
    expect(defragmentedIn(execution).toSorted()).toEqual(['m1', 'm2', 'm3']);
    expect((await leaderOf(filling)).isLearner).toBe(false);
  });

  it('keeps the alarm while the learner is over the quota: the next write would raise it again', async () => {
    const full = await ownStage();
    const execution = await withLearner(full, { keys: 40 });
    expect(execution).toMatchObject({ status: 'FAILED', error: 'VerificationFailed' });
    expect(execution).toHaveProperty(
      'cause',
      expect.stringContaining('etcd does not defragment a learner: promote learner'),
    );
    expect(await alarmsOf(full)).not.toEqual([]);
    expect(defragmentedIn(execution).toSorted()).toEqual(['m1', 'm2', 'm3']);
  });
});
