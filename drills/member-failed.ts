import { until } from './conditions.ts';
import { everyMemberHoldsTheSame, everyMemberVotes, idsOf, oldDataIsKept } from './proofs.ts';
import type { DrillOptions, DrillProgress, DrillResult } from './scenario.ts';
import { type HostedStage, setHostedStage } from './stage.ts';
import { faultsHaveStruck, flood, nothingIsLost, readBack, remediate, resultOf, underLoad } from './under-load.ts';
import { healthyOnes } from './witness.ts';
import type { WriterThread } from './writer-thread.ts';

/** The drill's member does not come back: seconds are enough to be sure. */
const CONFIRM_SECONDS = 2;
const LOADED_KEYS = 2_000;

/**
 * 1. Break: under a writer's load, crash a member (two of five) and damage its log on disk, so that its service fails to start.
 * 2. Detect: the member does not answer.
 * 3. Remediate: the entry is the cluster's name, and a shorter confirmation.
 * 4. Prove: every acknowledged write is read back, all members are healthy voters with the same hash, the old data is kept.
 */
export async function memberFailed(options: DrillOptions, progress: DrillProgress): Promise<DrillResult> {
  const stage = await setHostedStage(options, progress);
  const broken = stage.cluster.members.slice(options.members > 3 ? -2 : -1).map(({ name }) => name);
  // Clients that know of the outage: what is measured is the cluster's stall and not a dead address.
  const kept = stage.cluster.members.filter(({ name }) => !broken.includes(name));
  const load = { endpoints: kept.map(({ clientUrl }) => clientUrl), keys: LOADED_KEYS, valueBytes: 1024 };
  return underLoad(stage, load, (writer) => drill(stage, writer, broken, options, progress));
}

async function drill(
  stage: HostedStage,
  writer: WriterThread,
  broken: readonly string[],
  { faults }: DrillOptions,
  progress: DrillProgress,
): Promise<DrillResult> {
  progress.say(`Writing ${LOADED_KEYS} keys; small writes then go on to the end`);
  await flood(writer, LOADED_KEYS);
  await writer.ask('slowDown');
  const before = await idsOf(stage);
  progress.say(`Crashing ${broken.join(' and ')}, and damaging the log on disk`);
  const brokenAt = Date.now();
  for (const name of broken) await stage.cluster.destroyMember(name);
  await until('the members do not answer', async () => {
    const healthy = await healthyOnes(stage.witness);
    return stage.cluster.members.every(({ name }) => healthy.includes(name) !== broken.includes(name));
  });
  const detectMs = Date.now() - brokenAt;
  await writer.ask('forgetStalls');

  progress.say(`No longer answering, and failing to start: ${broken.join(' and ')}. Starting the remediation`);
  const remediation = await remediate(stage, 'member-failed', { confirmSeconds: CONFIRM_SECONDS }, progress, faults);

  const { goesOn, lostWrites, figures } = await readBack(stage, writer, progress);
  const after = await idsOf(stage);
  return resultOf(stage, remediation, figures, {
    scenario: 'member-failed',
    runbook: 'member-replacement',
    detectMs,
    lostWrites,
    members: [...after].map(([name, idAfter]) => ({
      name,
      idBefore: before.get(name) ?? '',
      idAfter,
      replaced: broken.includes(name),
    })),
    checks: [
      goesOn,
      nothingIsLost(lostWrites),
      await everyMemberVotes(stage),
      await everyMemberHoldsTheSame(stage),
      // The first execution has reported what it moved aside.
      ...(remediation.isSecond ? [] : [await oldDataIsKept(stage, broken, remediation.report)]),
      ...faultsHaveStruck(stage, faults),
    ],
  });
}
