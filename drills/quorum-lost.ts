import type { Loss, Rung } from '../core/quorum-recovery/contracts.ts';
import { BUMP_REVISION } from '../core/quorum-recovery/recovery-fit.ts';
import { crashMembers, damageLog, wipeData } from '../local/hosts/damage.ts';
import { until } from './conditions.ts';
import { everyMemberHoldsTheSame, everyMemberVotes, idsOf, oldDataIsKept } from './proofs.ts';
import type { Damage, DrillCheck, DrillOptions, DrillProgress, DrillResult } from './scenario.ts';
import { type HostedStage, setHostedStage } from './stage.ts';
import {
  faultsHaveStruck,
  flood,
  nothingIsLost,
  type Remediation,
  readBack,
  remediate,
  resultOf,
  underLoad,
} from './under-load.ts';
import { healthyOnes, statuses } from './witness.ts';
import type { WriterThread } from './writer-thread.ts';

/** The drill's members do not come back: seconds are enough to be sure. */
const CONFIRM_SECONDS = 2;
const LOADED_KEYS = 2_000;
/** More than there are writes until the crash: each has a key of its own, and none hides the loss of another. */
const KEYS = 100_000;

/** The cheapest rung that can serve. */
const RUNGS: Readonly<Record<Damage, Rung['rung']>> = {
  intact: 'restart',
  survivor: 'survivor',
  killed: 'replay',
  wal: 'raw',
};

/** What is added to a drill's result. */
interface QuorumLostResult extends DrillResult {
  damage: Damage;
  /** Everything up to it is kept, says the report; empty where it says nothing. */
  keptRevision: string;
  /** From the start of the remediation to the first write that was accepted; NaN where none was. */
  timeToFirstWriteMs: number;
}

/**
 * 1. Break: while a writer floods the cluster, crash a quorum of its members or more, and damage what `damage` says.
 * 2. Detect: no member has a leader.
 * 3. Remediate: the entry is the cluster's name, and a shorter confirmation.
 * 4. Prove: what is lost of the acknowledged writes is what the report says, all members are healthy voters with the same hash, the
 *    old data is kept.
 */
export async function quorumLost(
  { damage = 'killed', ...options }: DrillOptions,
  progress: DrillProgress,
): Promise<DrillResult> {
  const stage = await setHostedStage(options, progress);
  const endpoints = stage.cluster.members.map(({ clientUrl }) => clientUrl);
  return underLoad(stage, { endpoints, keys: KEYS, valueBytes: 1024 }, (writer) =>
    drill(stage, writer, { damage, faults: options.faults ?? [] }, progress),
  );
}

async function drill(
  stage: HostedStage,
  writer: WriterThread,
  { damage, faults }: Required<Pick<DrillOptions, 'damage' | 'faults'>>,
  progress: DrillProgress,
): Promise<QuorumLostResult> {
  progress.say(`Writing ${LOADED_KEYS} keys, and more until the crash`);
  await flood(writer, LOADED_KEYS);
  const before = await idsOf(stage);
  const brokenAt = Date.now();
  const withData = await inflict(stage, writer, damage, progress);
  await until('no member has a leader', async () => (await healthyOnes(stage.witness)).length === 0);
  const detectMs = Date.now() - brokenAt;
  const acknowledged = [...(await writer.ask('acknowledged')).values()].map(({ revision }) => revision);
  await writer.ask('forgetStalls');

  progress.say(
    `The cluster has no leader, and ${acknowledged.length} writes were acknowledged. Starting the remediation`,
  );
  const remediation = await remediate(stage, 'quorum-lost', { confirmSeconds: CONFIRM_SECONDS }, progress, faults);

  const { goesOn, lostWrites, figures } = await readBack(stage, writer, progress);
  const after = await idsOf(stage);
  const isRestart = RUNGS[damage] === 'restart';
  // The first execution has reported what it has done.
  const ofTheReport = remediation.isSecond
    ? []
    : [
        rungIs(RUNGS[damage], remediation),
        isRestart ? membersAreTheSame(before, after) : await oldDataIsKept(stage, withData, remediation.report),
      ];
  const result = resultOf(stage, remediation, figures, {
    scenario: 'quorum-lost',
    runbook: 'quorum-recovery',
    detectMs,
    lostWrites,
    members: [...after].map(([name, idAfter]) => ({ name, idBefore: before.get(name) ?? '', idAfter })),
    checks: [
      goesOn,
      ...(damage === 'intact' || damage === 'survivor' ? [nothingIsLost(lostWrites)] : []),
      await everyMemberVotes(stage),
      await everyMemberHoldsTheSame(stage),
      ...(isRestart || (remediation.isSecond && !isOfTheOldData(lossOf(remediation)))
        ? []
        : lossIsAsReported(lostWrites, acknowledged, damage, remediation)),
      ...ofTheReport,
      ...faultsHaveStruck(stage, faults),
    ],
  });
  return {
    ...result,
    damage,
    keptRevision: lossOf(remediation)?.keptRevision ?? '',
    timeToFirstWriteMs: (figures.firstAckAt ?? Number.NaN) - remediation.startedAt,
  };
}

/** @returns the members whose data is there still, damaged or not */
async function inflict(
  { cluster, witness }: HostedStage,
  writer: WriterThread,
  damage: Damage,
  progress: DrillProgress,
): Promise<string[]> {
  const names = cluster.members.map(({ name }) => name);
  // The leader has applied whatever any member has acknowledged.
  const [leader = ''] = [...(await statuses(witness))].find(([, member]) => member?.leads) ?? [];
  const crashed = damage === 'survivor' ? names.filter((name) => name !== leader) : names;
  const half = Math.floor((names.length - 1) / 2);
  const { wiped, damaged } = {
    intact: { wiped: [], damaged: [] },
    survivor: { wiped: crashed, damaged: [] },
    killed: { wiped: names.slice(half, -1), damaged: names.slice(0, half) },
    wal: { wiped: [], damaged: names },
  }[damage];
  const line = (what: string, those: readonly string[]) => (those.length === 0 ? [] : [`${what} ${those.join(', ')}`]);
  progress.say(
    [
      ...line('Crashing', crashed),
      ...line('removing the data of', wiped),
      ...line('damaging the log of', damaged),
      ...line('only the leader stays:', damage === 'survivor' ? [leader] : []),
    ].join('; '),
  );
  await crashMembers(cluster, crashed);
  // From here on other keys are written: what the flood has lost is not to be covered by what comes later.
  await writer.ask('slowDown');
  await Promise.all(wiped.map((name) => wipeData(cluster, name)));
  await Promise.all(damaged.map((name) => damageLog(cluster, name, damage === 'wal' ? 'garbled' : 'truncated')));
  return names.filter((name) => !wiped.some((each) => each === name));
}

function rungIs(expected: Rung['rung'], { report }: Remediation): DrillCheck {
  const { ladder = [] } = report as { ladder?: Rung[] };
  const taken = ladder.find(({ serves }) => serves)?.rung ?? 'none';
  return { name: 'the cheapest rung that serves is taken', ok: taken === expected, detail: taken };
}

function lossOf({ report }: Remediation): Loss | undefined {
  return (report as { loss?: Loss }).loss;
}

/** Whether data was restored that no execution had restored before, for a restore raises its revisions. */
function isOfTheOldData({ keptRevision = '' }: Partial<Loss> = {}): boolean {
  return keptRevision !== '' && BigInt(keptRevision) < BigInt(BUMP_REVISION);
}

/** A restored database holds every write up to its revision and none after it: so the report's figure can be counted. */
function lossIsAsReported(
  lostWrites: number,
  acknowledged: readonly bigint[],
  damage: Damage,
  remediation: Remediation,
): DrillCheck[] {
  const { keptRevision = '0', atMostWrites = null } = lossOf(remediation) ?? {};
  const later = acknowledged.filter((revision) => revision > BigInt(keptRevision)).length;
  return [
    {
      name: 'exactly those after the reported revision are lost',
      ok: lostWrites === later,
      detail: `${lostWrites} lost, ${later} were acknowledged after revision ${keptRevision}`,
    },
    {
      name: 'the reported bound holds',
      // With every database read there has to be a bound.
      ok: atMostWrites === null ? damage !== 'wal' : lostWrites <= atMostWrites,
      detail: atMostWrites === null ? 'unknown' : `at most ${atMostWrites}`,
    },
  ];
}

function membersAreTheSame(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): DrillCheck {
  const same = [...before].filter(([name, id]) => after.get(name) === id);
  const detail = `${same.length} of ${before.size} have the ID that they had`;
  return { name: 'no member was replaced', ok: same.length === before.size, detail };
}
