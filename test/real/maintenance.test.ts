import { afterEach, describe, expect, it } from 'vitest';
import { type Maintenance, maintenanceSchema } from '../../core/cluster/maintenance.ts';
import type { RemediationReport } from '../../core/remediation/remediation-report.ts';
import { CLUSTER_NAME, type Stage } from '../../drills/stage.ts';
import type { Execution } from '../../local/executions.ts';
import { defragmentedIn, MIB, setAlarm, stage, statuses, until } from '../scenes/scene.ts';

const ENTRY = 'etcd-remediation';
const RUNBOOK = 'etcd-remediation-space-reclaim';

/** `23:05`, so many minutes from now. */
function timeIn(minutes: number): string {
  return new Date(Date.now() + minutes * 60_000).toISOString().slice(11, 16);
}

/** A window that is open now, and for what is fragmented in a small store. */
const OPEN = maintenanceSchema.parse({ from: timeIn(-2), to: timeIn(60), minReclaimBytes: 4 * MIB });
const OVER = maintenanceSchema.parse({ from: timeIn(-60), to: timeIn(-5), minReclaimBytes: 4 * MIB });

let current: Stage | undefined;
afterEach(async () => {
  await current?.close();
  current = undefined;
});

async function onStage(maintenance: Maintenance, options: Parameters<typeof stage>[0] = {}): Promise<Stage> {
  current = await stage({ etcd: '3.5.35', sizeMiB: 64, maintenance, ...options });
  return current;
}

/** Most of what is written is deleted and compacted: free pages, which only a defragmentation gives back. */
async function fragment({ etcd, cluster }: Stage): Promise<void> {
  const member = etcd.member('m1');
  for (let key = 0; key < 20; key++) await member.put(`old/${key}`, 'x'.repeat(MIB));
  await cluster.etcdctl(['del', '--prefix', 'old/'], ['m1']);
  await member.put('new', 'x'.repeat(MIB));
  const [{ revision } = { revision: '1' }] = await statuses({ etcd });
  await cluster.etcdctl(['compact', revision, '--physical'], ['m1']);
  // What is in use is told after the next commit.
  await until(async () => {
    await member.put('tick', 'x');
    return (await statuses({ etcd })).every((each) => each.dbSizeBytes - each.dbSizeInUseBytes > 12 * MIB);
  });
}

async function maintained(on: Stage): Promise<RemediationReport & { outcome: 'Remediated' | 'NothingToDo' }> {
  const end = await on.platform.remediate({ input: { cluster: CLUSTER_NAME, maintenance: true } }).ended;
  if (end.status !== 'SUCCEEDED') throw new Error(`${end.error}: ${end.cause}`);
  return end.output as unknown as RemediationReport & { outcome: 'Remediated' | 'NothingToDo' };
}

function reclaimsOf(on: Stage): Execution[] {
  return on.platform.executions.of(RUNBOOK);
}

describe('maintenance', () => {
  it('gives back fragmented space when its window begins, without an alarm and without a compaction, and the next one finds nothing to do', async () => {
    const on = await onStage(OPEN);
    await fragment(on);
    const before = await statuses(on);
    const compacted = on.etcd.member('m1').keyReader();
    const compactRevision = await compacted.compactRevision();

    // The clock of the schedules comes to the window's beginning.
    let now = new Date(Date.now() - 10 * 60_000);
    const detector = on.platform.watch({ minuteMs: 50, now: () => now, onFailure: () => undefined });
    now = new Date();
    await until(async () => on.platform.executions.of(ENTRY).some(({ result }) => result !== undefined));
    await detector.close();
    const [execution, ...others] = on.platform.executions.of(ENTRY);
    expect(others).toEqual([]);
    const end = await execution?.ended;
    expect(Object(end).output).toMatchObject({ outcome: 'Remediated', requestedBy: 'maintenance', remaining: [] });
    const [reclaim] = reclaimsOf(on);
    expect(defragmentedIn(await (reclaim as Execution).ended)).toHaveLength(3);
    const after = await statuses(on);
    for (const { name, dbSizeBytes } of after) {
      const sizeBefore = before.find((each) => each.name === name)?.dbSizeBytes ?? 0;
      expect(dbSizeBytes).toBeLessThan(sizeBefore - 12 * MIB);
    }
    expect(await compacted.compactRevision()).toBe(compactRevision);
    compacted.close();

    const again = await maintained(on);
    expect(again).toMatchObject({ outcome: 'NothingToDo', rounds: [{ outcome: 'NothingToDo' }] });
  });

  it('is skipped, and says why, while anything is wrong, and once its window is over', async () => {
    const on = await onStage(OPEN);
    await fragment(on);
    const [{ id } = { id: '0' }] = await statuses(on);
    await setAlarm(on, 'Nospace', id);
    expect(await maintained(on)).toMatchObject({
      outcome: 'NothingToDo',
      summary: expect.stringMatching(/^Skipped\. The cluster has space-exceeded: NOSPACE is raised/),
      rounds: [],
      remaining: ['space-exceeded'],
    });
    await setAlarm(on, 'Nospace', id, false);
    await on.cluster.killMember('m3');
    expect(await maintained(on)).toMatchObject({
      outcome: 'NothingToDo',
      summary: expect.stringMatching(/^Skipped\. /),
      rounds: [],
    });
    expect(reclaimsOf(on)).toEqual([]);
  });

  it('begins no member after its window, and tells which are left', async () => {
    const on = await onStage(OVER);
    await fragment(on);
    expect(await maintained(on)).toMatchObject({
      outcome: 'NothingToDo',
      summary: expect.stringMatching(/^Skipped\. The window was over at /),
      rounds: [],
    });
    // A window that ends while the first member is defragmented, as an execution sees it.
    const until = new Date(Date.now() - 1_000).toISOString();
    const end = await on.platform.execute({
      incident: 'space-exceeded',
      input: { cluster: CLUSTER_NAME, parameters: { minReclaimBytes: 4 * MIB, until } },
    });
    expect(defragmentedIn(end)).toEqual([]);
    expect(end).toMatchObject({
      status: 'SUCCEEDED',
      output: {
        summary: expect.stringMatching(/The time is over, and nothing more was begun\. Still fragmented: m\d/),
      },
    });
  });
});
