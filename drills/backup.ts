import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BackupReport } from '../core/backups/contracts.ts';
import type { BackupRecord } from '../core/backups/record.ts';
import type { PassedRehearsal } from '../core/backups/rehearsal.ts';
import type { Candidate, Loss } from '../core/quorum-recovery/contracts.ts';
import type { RehearsalReport } from '../core/rehearsal/contracts.ts';
import { formatBytes } from '../core/text/format.ts';
import { crashMembers, wipeData } from '../local/hosts/damage.ts';
import { until } from './conditions.ts';
import { everyMemberHoldsTheSame, everyMemberVotes, idsOf } from './proofs.ts';
import type { DrillCheck, DrillOptions, DrillProgress, DrillResult } from './scenario.ts';
import { CLUSTER_NAME, type HostedStage, setHostedStage } from './stage.ts';
import { faultsHaveStruck, flood, type Remediation, readBack, remediate, resultOf, underLoad } from './under-load.ts';
import { healthyOnes } from './witness.ts';
import type { WriterThread } from './writer-thread.ts';

/** The drill's members do not come back: seconds are enough to be sure. */
const CONFIRM_SECONDS = 2;
/** Before the backup, and after it: the latter are lost. */
const LOADED_KEYS = 2_000;
const LATER_WRITES = 500;
/** More than there are writes until the loss: each has a key of its own, and none hides the loss of another. */
const KEYS = 100_000;

/** What is added to a drill's result. */
interface BackupResult extends DrillResult {
  /** How long the backup took, and how long the writer waited at most meanwhile. */
  backupMs: number;
  maxWriteStallMsMeanwhile: number;
  backup: BackupRecord;
  rehearsal: PassedRehearsal;
  keptRevision: string;
}

/**
 * 1. While a writer floods the cluster, back it up, and rehearse the backup on a host; the flood goes on.
 * 2. Break: crash every member, and remove the data of all.
 * 3. Remediate: nobody names the backup.
 * 4. Prove: the backup was taken, every acknowledged write up to its revision is there and none after it, and all members are healthy voters with the same hash.
 */
export async function backup(options: DrillOptions, progress: DrillProgress): Promise<DrillResult> {
  const folder = await mkdtemp(join(tmpdir(), 'etcd-remediation-drill-backups-'));
  try {
    const stage = await setHostedStage({ ...options, backups: folder }, progress);
    const endpoints = stage.cluster.members.map(({ clientUrl }) => clientUrl);
    return await underLoad(stage, { endpoints, keys: KEYS, valueBytes: 1024 }, (writer) =>
      drill(stage, writer, options, progress),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function drill(
  stage: HostedStage,
  writer: WriterThread,
  { faults = [] }: DrillOptions,
  progress: DrillProgress,
): Promise<BackupResult> {
  const names = stage.cluster.members.map(({ name }) => name);
  progress.say(`Writing ${LOADED_KEYS} keys, and more until all is lost`);
  await flood(writer, LOADED_KEYS);
  const before = await idsOf(stage);
  await writer.ask('forgetStalls');
  const begunAt = Date.now();
  const { record } = await backUp(stage, progress);
  const backupMs = Date.now() - begunAt;
  const { ackedWrites, maxWriteStallMs: maxWriteStallMsMeanwhile } = await writer.ask('look');
  const rehearsal = await rehearse(stage, progress);
  await until(`${LATER_WRITES} more writes are acknowledged`, async () => {
    return (await writer.ask('look')).ackedWrites >= ackedWrites + LATER_WRITES;
  });

  progress.say(`Crashing ${names.join(', ')}, and removing the data of all`);
  const brokenAt = Date.now();
  await crashMembers(stage.cluster, names);
  // From here on other keys are written: what the flood has lost is not to be covered by what comes later.
  await writer.ask('slowDown');
  await Promise.all(names.map((name) => wipeData(stage.cluster, name)));
  await until('no member has a leader', async () => (await healthyOnes(stage.witness)).length === 0);
  const detectMs = Date.now() - brokenAt;
  const acknowledged = [...(await writer.ask('acknowledged')).values()].map(({ revision }) => revision);
  await writer.ask('forgetStalls');

  progress.say(`Nothing is left, and ${acknowledged.length} writes were acknowledged. Starting the remediation`);
  const remediation = await remediate(stage, 'quorum-lost', { confirmSeconds: CONFIRM_SECONDS }, progress, faults);

  const { goesOn, lostWrites, figures } = await readBack(stage, writer, progress);
  const after = await idsOf(stage);
  const { keptRevision = '0' } = partOf(remediation).loss ?? {};
  const result = resultOf(stage, remediation, figures, {
    scenario: 'backup',
    runbook: 'quorum-recovery',
    detectMs,
    lostWrites,
    members: [...after].map(([name, idAfter]) => ({ name, idBefore: before.get(name) ?? '', idAfter })),
    checks: [
      goesOn,
      await everyMemberVotes(stage),
      await everyMemberHoldsTheSame(stage),
      // What the first execution has done is told there.
      ...(remediation.isSecond ? [] : [theBackupIsTaken(remediation), theRevisionIsSo(record, keptRevision)]),
      theRehearsalServed(rehearsal, record),
      ...(remediation.isSecond ? [] : [exactlyWhatIsLaterIsLost(lostWrites, acknowledged, keptRevision)]),
      ...faultsHaveStruck(stage, faults),
    ],
  });
  return { ...result, backupMs, maxWriteStallMsMeanwhile, backup: record, rehearsal, keptRevision };
}

/** @throws Error where none could be made */
async function backUp({ platform }: HostedStage, { say, onEvent }: DrillProgress): Promise<BackupReport['backup']> {
  say('Backing it up while the writes go on');
  const end = await platform.backUp(CLUSTER_NAME, { onEvent });
  if (end.status !== 'SUCCEEDED') throw new Error(`The backup failed: ${end.error}: ${end.cause}`);
  const { backup } = end.output as unknown as BackupReport;
  const { revision, revisionAtMost, sizeBytes, compressedBytes } = backup.record;
  say(
    `${backup.name}: revision ${revision} to ${revisionAtMost}, ${formatBytes(sizeBytes)} in ${formatBytes(compressedBytes)}`,
  );
  return backup;
}

/** @throws Error where it did not pass */
async function rehearse({ platform }: HostedStage, { say, onEvent }: DrillProgress): Promise<PassedRehearsal> {
  say('Rehearsing it on a host, beside its member');
  const end = await platform.rehearse({ cluster: CLUSTER_NAME }, { onEvent });
  if (end.status !== 'SUCCEEDED') throw new Error(`The rehearsal failed: ${end.error}: ${end.cause}`);
  const { rehearsal, summary } = end.output as unknown as RehearsalReport;
  say(summary);
  if (!rehearsal) throw new Error(`Nothing was rehearsed: ${summary}`);
  return rehearsal;
}

function theRehearsalServed({ revision, member, tookMs }: PassedRehearsal, record: BackupRecord): DrillCheck {
  const ok = BigInt(record.revision) <= BigInt(revision) && BigInt(revision) <= BigInt(record.revisionAtMost);
  const detail = `revision ${revision} on the host of ${member}, in ${tookMs.fetch + tookMs.restore + tookMs.start} ms`;
  return { name: 'a rehearsal restored it on a host', ok, detail };
}

function partOf({ report }: Remediation): { winner?: Candidate; loss?: Loss } {
  return report as { winner?: Candidate; loss?: Loss };
}

function theBackupIsTaken(remediation: Remediation): DrillCheck {
  const { winner } = partOf(remediation);
  const detail = winner ? `${winner.source}: ${winner.note}` : 'nothing was restored';
  return { name: 'the backup is taken, though nobody named it', ok: winner?.source === 'backup', detail };
}

function theRevisionIsSo({ revision, revisionAtMost }: BackupRecord, kept: string): DrillCheck {
  const ok = BigInt(revision) <= BigInt(kept) && BigInt(kept) <= BigInt(revisionAtMost);
  return {
    name: 'it holds the revision that was written beside it',
    ok,
    detail: `${kept}, from ${revision} to ${revisionAtMost}`,
  };
}

/** A restored database holds every write up to its revision and none after it. */
function exactlyWhatIsLaterIsLost(lostWrites: number, acknowledged: readonly bigint[], kept: string): DrillCheck {
  const later = acknowledged.filter((revision) => revision > BigInt(kept)).length;
  return {
    name: 'exactly those after its revision are lost',
    ok: lostWrites === later && later >= LATER_WRITES,
    detail: `${lostWrites} lost, ${later} were acknowledged after revision ${kept}`,
  };
}
