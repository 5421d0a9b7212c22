import type { MemberSpace } from '../core/space-reclaim/contracts.ts';
import { formatBytes } from '../core/text/format.ts';
import { until } from './conditions.ts';
import { noAlarmIsLeft } from './proofs.ts';
import type { DrillOptions, DrillProgress, DrillResult } from './scenario.ts';
import { type Stage, setStage } from './stage.ts';
import { nothingIsLost, readBack, remediate, resultOf, underLoad } from './under-load.ts';
import { alarms, statuses } from './witness.ts';
import type { WriterThread } from './writer-thread.ts';

const VALUE_BYTES = 64 * 1024;
/** Of the quota, what is still in use when everything else is history. */
const IN_USE_SHARE = 0.25;

/**
 * 1. Break: a writer overwrites the same keys until etcd raises NOSPACE.
 * 2. Detect: all that is known is the alarm.
 * 3. Remediate: the entry is the cluster's name and nothing else.
 * 4. Prove: writes are accepted, every acknowledged key is read back, every member is smaller, no alarm is left.
 */
export async function spaceExceeded(options: DrillOptions, progress: DrillProgress): Promise<DrillResult> {
  const stage = await setStage(options, progress);
  const load = {
    endpoints: stage.cluster.members.map((member) => member.clientUrl),
    keys: Math.max(1, Math.floor((options.sizeMiB * 1024 * 1024 * IN_USE_SHARE) / VALUE_BYTES)),
    valueBytes: VALUE_BYTES,
  };
  return underLoad(stage, load, (writer) => drill(stage, writer, options, progress));
}

async function drill(
  stage: Stage,
  writer: WriterThread,
  { sizeMiB }: DrillOptions,
  progress: DrillProgress,
): Promise<DrillResult> {
  progress.say(`Writing until the quota of ${sizeMiB} MiB is full`);
  await writer.ask('start');
  await until('etcd refuses a write', async () => (await writer.ask('look')).refusedAt !== undefined);
  const { refusedAt, ackedWrites } = await writer.ask('look');
  progress.say(`etcd refuses writes: database space exceeded (${ackedWrites} writes were accepted before)`);
  await until('the alarm is listed', async () => (await alarms(stage.witness)).length > 0);
  const detectMs = Date.now() - (refusedAt as number);
  const before = await sizesOf(stage);

  progress.say('The alarm NOSPACE is seen: starting the remediation');
  const remediation = await remediate(stage, 'space-exceeded', {}, progress);

  const { goesOn, lostWrites, figures } = await readBack(stage, writer, progress);
  const after = membersAfter(remediation.report) ?? (await sizesOf(stage));
  const members = [...before].map(([name, dbSizeBytesBefore]) => ({
    name,
    dbSizeBytesBefore,
    dbSizeBytesAfter: after.get(name) ?? Number.NaN,
  }));
  const smaller = {
    name: 'every member is smaller',
    ok: members.every((member) => member.dbSizeBytesAfter < member.dbSizeBytesBefore),
    detail: members
      .map(
        (member) =>
          `${member.name} ${formatBytes(member.dbSizeBytesBefore)} -> ${formatBytes(member.dbSizeBytesAfter)}`,
      )
      .join(', '),
  };
  return resultOf(stage, remediation, figures, {
    scenario: 'space-exceeded',
    runbook: 'space-reclaim',
    detectMs,
    lostWrites,
    members,
    checks: [goesOn, nothingIsLost(lostWrites), smaller, await noAlarmIsLeft(stage)],
  });
}

/** Sizes as the execution proved them: the writer, which goes on, makes the databases grow again at once. */
function membersAfter(report: unknown): Map<string, number> | undefined {
  const { members } = report as { members?: MemberSpace[] };
  return members && new Map(members.map((member) => [member.name, member.dbSizeBytes]));
}

async function sizesOf({ witness }: Stage): Promise<Map<string, number>> {
  const seen = await statuses(witness);
  return new Map([...seen].map(([name, member]) => [name, member?.dbSizeBytes ?? Number.NaN]));
}
