import type { RemediationReport } from '../core/remediation/remediation-report.ts';
import { ENTRY_STATE_MACHINE } from '../core/text/names.ts';
import type { Execution } from '../local/executions.ts';
import { countStateTransitions } from '../report/state-transitions.ts';
import { until } from './conditions.ts';
import { everyMemberHoldsTheSame, everyMemberVotes, idsOf, noAlarmIsLeft, oldDataIsKept } from './proofs.ts';
import { hasActed } from './recorded-drill.ts';
import type { DrillCheck, DrillOptions, DrillProgress, DrillResult } from './scenario.ts';
import { type HostedStage, setHostedStage } from './stage.ts';
import { nothingIsLost, readBack, resultOf, underLoad } from './under-load.ts';
import { healthyOnes } from './witness.ts';
import type { WriterThread } from './writer-thread.ts';

/**
 * Small, so that the log is longer than what etcd keeps of it for a slow follower (5,000 entries): the new member is sent the small database. One
 * that had to apply the whole history again would be as full as the others were.
 */
const VALUE_BYTES = 2 * 1024;
const SNAPSHOT_COUNT = 1_000;
/** Of the quota, what is still in use when everything else is history. */
const IN_USE_SHARE = 0.25;
/** Of the detector. On AWS it looks once a minute: here that takes two seconds. */
const MINUTE_MS = 2_000;
const EXPECTED = ['space-exceeded', 'member-failed'];

/**
 * 1. Break, in two ways at once: a writer fills the store until etcd refuses writes, and a member crashes whose log is damaged.
 * 2. Detect: the detector's metrics raise the deployed alarms, whose rules start a remediation. Nobody else does anything.
 * 3. Remediate: the store first, for nothing can be written; then the member.
 * 4. Prove: every acknowledged write is read back, all members are healthy voters with the same hash, no alarm is left, and only one
 *    remediation has acted.
 */
export async function full(options: DrillOptions, progress: DrillProgress): Promise<DrillResult> {
  const stage = await setHostedStage(
    // Unattended: what the policy leaves to a person by default goes by itself.
    { ...options, policy: { 'member-failed': 'automatic' }, snapshotCount: SNAPSHOT_COUNT },
    progress,
  );
  const broken = stage.cluster.members.at(-1)?.name ?? '';
  const kept = stage.cluster.members.filter(({ name }) => name !== broken);
  const load = {
    endpoints: kept.map(({ clientUrl }) => clientUrl),
    keys: Math.max(1, Math.floor((options.sizeMiB * 1024 * 1024 * IN_USE_SHARE) / VALUE_BYTES)),
    valueBytes: VALUE_BYTES,
  };
  return underLoad(stage, load, (writer) => drill(stage, writer, broken, options, progress));
}

async function drill(
  stage: HostedStage,
  writer: WriterThread,
  broken: string,
  { sizeMiB }: DrillOptions,
  progress: DrillProgress,
): Promise<DrillResult> {
  const { platform } = stage;
  progress.say(`Writing until the quota of ${sizeMiB} MiB is full`);
  await writer.ask('start');
  await until('etcd refuses a write', async () => (await writer.ask('look')).refusedAt !== undefined);
  const before = await idsOf(stage);
  progress.say(`etcd refuses writes: database space exceeded. Crashing ${broken}, and damaging its log on disk`);
  const brokenAt = Date.now();
  await stage.cluster.destroyMember(broken);
  await until('the member does not answer', async () => {
    const healthy = await healthyOnes(stage.witness);
    return stage.cluster.members.every(({ name }) => healthy.includes(name) === (name !== broken));
  });
  await writer.ask('forgetStalls');

  progress.say(`The detector looks every ${MINUTE_MS / 1000} s; nothing else knows`);
  const watch = platform.watch({ minuteMs: MINUTE_MS, onFailure: (error) => progress.say(`A look failed: ${error}`) });
  let execution: Execution | undefined;
  try {
    await until('a remediation that acts has ended', async () => {
      execution = remediations(stage).find(hasActed);
      return execution !== undefined;
    });
  } finally {
    await watch.close();
    await platform.settled();
  }
  const { startedAt, endedAt, result } = execution as Required<Execution>;
  const report = result.status === 'SUCCEEDED' ? result.output : { error: result.error, cause: result.cause };

  const { goesOn, lostWrites, figures } = await readBack(stage, writer, progress);
  const after = await idsOf(stage);
  const rounds = (report as Partial<Extract<RemediationReport, { rounds: unknown }>>).rounds ?? [];
  const remediation = {
    incident: EXPECTED.join(' and '),
    execution: result,
    startedAt,
    remediateMs: endedAt - startedAt,
    report,
  };
  return {
    ...resultOf(stage, remediation, figures, {
      scenario: 'full',
      runbook: rounds.map(({ runbook }) => runbook).join(' and '),
      detectMs: startedAt - brokenAt,
      lostWrites,
      members: [...after].map(([name, idAfter]) => ({
        name,
        idBefore: before.get(name) ?? '',
        idAfter,
        replaced: name === broken,
      })),
      checks: [
        {
          name: 'the store comes first, and then the member',
          ...compare(
            rounds.map(({ incident }) => incident),
            EXPECTED,
          ),
        },
        goesOn,
        nothingIsLost(lostWrites),
        await noAlarmIsLeft(stage),
        await everyMemberVotes(stage),
        await everyMemberHoldsTheSame(stage),
        await oldDataIsKept(stage, [broken], rounds.at(-1)?.report ?? {}),
        onlyOneHasActed(remediations(stage)),
      ],
    }),
    stateTransitions: [execution, ...rounds.map((round) => platform.executions.find(round.execution))].reduce(
      (count, each) => count + countStateTransitions(each?.events ?? []),
      0,
    ),
  };
}

/** Everything that an alarm has started, the first one first. */
function remediations({ platform }: HostedStage): Execution[] {
  return platform.executions.of(ENTRY_STATE_MACHINE).toReversed();
}

function compare(found: readonly string[], expected: readonly string[]): Pick<DrillCheck, 'ok' | 'detail'> {
  return { ok: found.join() === expected.join(), detail: found.join(', ') || 'none' };
}

function onlyOneHasActed(all: readonly Execution[]): DrillCheck {
  const outcomes = all.map(({ result }) =>
    result?.status === 'SUCCEEDED' ? (result.output as { outcome: string }).outcome : (result?.status ?? 'RUNNING'),
  );
  return {
    name: 'only one remediation has acted',
    ok: all.filter(hasActed).length === 1,
    detail: outcomes.join(', '),
  };
}
