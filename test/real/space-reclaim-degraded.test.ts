import { afterEach, describe, expect, it } from 'vitest';
import type { Stage } from '../../drills/stage.ts';
import { countLostWrites } from '../../drills/witness.ts';
import { Writer } from '../../drills/writer.ts';
import type { ExecutionResult } from '../../local/asl/execution.ts';
import { requireEtcd } from '../run/require-etcd.ts';
import { sameStage } from '../scenes/same-stage.ts';
import {
  alarmsOf,
  around,
  defragmentedIn,
  fill,
  leaderOf,
  MIB,
  remediate,
  setAlarm,
  stage,
  statesOf,
  statuses,
  until,
} from '../scenes/scene.ts';

const PROBLEM = expect.stringMatching(/^does not answer: .*ECONNREFUSED/);

let writer: Writer | undefined;
afterEach(async () => {
  await writer?.stop().catch(() => undefined);
  writer?.close();
  writer = undefined;
});
const onStage = sameStage(stage);

function output(execution: ExecutionResult): Record<string, unknown> {
  if (execution.status !== 'SUCCEEDED') throw new Error(`${execution.status} ${execution.error}: ${execution.cause}`);
  return execution.output as Record<string, unknown>;
}

/** A writer that goes on until the store is full and etcd lists the alarm, and then with small writes, through all but `spared`. */
async function fillThroughAllBut(spared: string[], { cluster, etcd, secrets }: Stage): Promise<Writer> {
  const endpoints = cluster.members.filter(({ name }) => !spared.includes(name)).map(({ clientUrl }) => clientUrl);
  const { login, tls } = secrets;
  writer = new Writer({ endpoints, login, tls, keys: 40, valueBytes: 64 * 1024 });
  writer.start();
  await expect.poll(async () => (await etcd.observe()).alarms.length).toBeGreaterThan(0);
  return writer;
}

async function countLost(writing: Writer, { witness }: Stage): Promise<number> {
  const before = writing.ackedWrites;
  await until(async () => writing.ackedWrites > before + 20);
  await writing.stop();
  return countLostWrites(writing.acknowledged, witness.etcdctl);
}

const sizeOf = async (on: Stage) => Math.max(...(await statuses(on)).map(({ dbSizeBytes }) => dbSizeBytes));

describe('the space runbook brings back a full cluster that has lost a member', () => {
  it.for<{ etcd?: string; dead: string }>([
    { etcd: '3.4.23', dead: 'a follower' },
    { etcd: '3.5.30', dead: 'a follower' },
    { dead: 'the leader' },
  ])(
    '$dead of three (etcd $etcd): nothing is lost, and it is told who was left out',
    async ({ dead, ...release }, test) => {
      if (release.etcd) await requireEtcd(release.etcd, test);
      const full = await onStage(release);
      const { name: leader } = await leaderOf(full);
      const gone = dead === 'the leader' ? leader : leader === 'm3' ? 'm2' : 'm3';
      const there = ['m1', 'm2', 'm3'].filter((name) => name !== gone);
      const writing = await fillThroughAllBut([gone], full);
      const { id } = await full.etcd.member(gone).status();
      await setAlarm(full, 'Nospace', id);
      await full.cluster.killMember(gone);
      await until(async () => (await full.etcd.observe()).alarms.length > 0);

      const execution = await remediate(full.platform);
      expect(output(execution)).toMatchObject({
        outcome: 'Remediated',
        leftOut: [{ member: gone, problem: PROBLEM }],
        remaining: ['member-failed'],
        disarmed: expect.arrayContaining([{ memberId: id, alarm: 'NOSPACE' }]),
        summary: expect.stringContaining(`${gone} was left out and still does not answer: replace it next`),
      });
      expect(defragmentedIn(execution).toSorted()).toEqual(there);
      expect(await countLost(writing, full)).toBe(0);
      expect(await alarmsOf(full)).toEqual([]);
      expect(await sizeOf(full)).toBeLessThan(8 * MIB);

      await full.cluster.startMember(gone);
      // As it does for itself where its database is over the quota: but one that has applied much at once may be just below.
      await setAlarm(full, 'Nospace', id);
      const again = await remediate(full.platform);
      expect(output(again)).toMatchObject({ outcome: 'Remediated', leftOut: [], remaining: [] });
      expect(defragmentedIn(again)).toEqual([gone]);
    },
  );

  it('and gives the member its turn where it comes back in the middle', async () => {
    const full = await onStage();
    await fill(full.etcd, { keys: 40 });
    const { name: leader } = await leaderOf(full);
    const gone = leader === 'm1' ? 'm2' : 'm1';
    await full.cluster.killMember(gone);
    using _ = around(full.platform, 'defragment-member', {
      before: async (invocation) => {
        if (invocation === 2) await full.cluster.startMember(gone);
      },
    });
    const execution = await remediate(full.platform);
    expect(output(execution)).toMatchObject({ outcome: 'Remediated', leftOut: [], remaining: [] });
    expect(new Set(defragmentedIn(execution))).toEqual(new Set(['m1', 'm2', 'm3']));
    expect(await sizeOf(full)).toBeLessThan(8 * MIB);
    expect(await alarmsOf(full)).toEqual([]);
  });

  it('and leaves out nobody who only starts again while it is assessed', async () => {
    const full = await onStage();
    await fill(full.etcd, { keys: 40 });
    await full.cluster.killMember('m2');
    let restarted: Promise<void> | undefined;
    using _ = around(full.platform, 'assess-space', {
      before: async () => {
        // The first of its readings comes before etcd has started.
        restarted ??= until(async () => (await full.etcd.observe()).members.some(({ answering }) => !answering)).then(
          () => full.cluster.startMember('m2'),
        );
      },
    });
    const execution = await remediate(full.platform);
    await restarted;
    expect(output(execution)).toMatchObject({ outcome: 'Remediated', leftOut: [], remaining: [] });
    expect(defragmentedIn(execution).toSorted()).toEqual(['m1', 'm2', 'm3']);
  });

  it('two of five, with TLS and authentication', async () => {
    const full = await onStage({ members: 5, tls: true, auth: true });
    const { name: leader } = await leaderOf(full);
    const [first = '', second = ''] = ['m1', 'm2', 'm3', 'm4', 'm5'].filter((name) => name !== leader);
    const writing = await fillThroughAllBut([first, second], full);
    await full.cluster.killMember(first);
    await full.cluster.killMember(second);
    const execution = await remediate(full.platform);
    expect(output(execution)).toMatchObject({ outcome: 'Remediated', remaining: ['member-failed'] });
    const { login, tls } = full.secrets;
    for (const secret of [login?.password, tls?.key]) expect(JSON.stringify(execution)).not.toContain(secret);
    expect(output(execution).leftOut).toMatchObject([{ member: first }, { member: second }]);
    expect(defragmentedIn(execution)).toHaveLength(3);
    expect(await countLost(writing, full)).toBe(0);
  });
});

describe('the space runbook, with a failed member,', () => {
  it('does nothing before etcd refuses writes', async () => {
    const filling = await onStage();
    await fill(filling.etcd, { keys: 20, toShare: 0.82 });
    await filling.cluster.killMember('m3');
    const execution = await remediate(filling.platform);
    expect(execution).toMatchObject({ status: 'FAILED', error: 'PreconditionFailed' });
    expect(execution).toHaveProperty(
      'cause',
      expect.stringContaining('only while NOSPACE is raised are members left out'),
    );
    expect(statesOf(execution)).not.toContain('Compact history');
    await filling.cluster.startMember('m3');
  });

  it('tells in a dry run who would be left out, and changes nothing', async () => {
    const full = await onStage();
    await fill(full.etcd, { keys: 40 });
    await full.cluster.killMember('m3');
    await until(async () => (await full.etcd.observe()).alarms.length > 0);
    const before = await alarmsOf(full);
    const execution = await remediate(full.platform, { dryRun: true });
    expect(output(execution)).toMatchObject({ outcome: 'Planned', leftOut: [{ member: 'm3', problem: PROBLEM }] });
    const defragmented = (output(execution).plan as string[]).filter((step) => step.startsWith('defragment '));
    expect(defragmented.toSorted()).toEqual(['m1', 'm2'].map((name) => `defragment ${name}, if it gains by it`));
    expect(await alarmsOf(full)).toEqual(before);
    expect(statesOf(execution)).not.toContain('Compact history');
  });
});
