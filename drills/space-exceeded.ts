import type { Observation } from '../core/contracts/observation.ts';
import type { MemberSpace } from '../core/contracts/space.ts';
import { formatBytes } from '../core/format.ts';
import { countStateTransitions } from '../local/asl/history.ts';
import { outcomeOf, settles, until } from './conditions.ts';
import type { DrillCheck, DrillOptions, DrillProgress, DrillResult, Scenario } from './scenario.ts';
import { CLUSTER_NAME, type Stage, setStage } from './stage.ts';
import { Writer } from './writer.ts';

const VALUE_BYTES = 64 * 1024;
/** Of the quota, what is still in use when everything else is history. */
const IN_USE_SHARE = 0.25;
const FILL_WITHIN_MS = 300_000;
const ACCEPT_WITHIN_MS = 10_000;
/** Writes that have to be accepted after the remediation before the drill ends. */
const WRITES_AFTERWARDS = 50;

/**
 * 1. Break: a writer overwrites the same keys until etcd raises NOSPACE.
 * 2. Detect: all that is known is the alarm.
 * 3. Remediate: the entry is the cluster's name and nothing else.
 * 4. Prove: writes are accepted, every acknowledged key is read back, every member is smaller, no alarm is left.
 */
export const spaceExceeded: Scenario = {
  name: 'space-exceeded',
  needsHosts: false,
  summary: 'The store is full: etcd has raised NOSPACE and refuses every write.',
  async run(options, progress) {
    const stage = await setStage(options, progress);
    const { tls, login } = stage.secrets;
    const writer = new Writer({
      endpoints: stage.cluster.members.map((member) => member.clientUrl),
      tls,
      login,
      keys: Math.max(1, Math.floor((options.sizeMiB * 1024 * 1024 * IN_USE_SHARE) / VALUE_BYTES)),
      valueBytes: VALUE_BYTES,
    });
    try {
      return await drill(stage, writer, options, progress);
    } finally {
      await writer.stop();
      writer.close();
      await stage.close();
    }
  },
};

async function drill(
  stage: Stage,
  writer: Writer,
  { sizeMiB }: DrillOptions,
  progress: DrillProgress,
): Promise<DrillResult> {
  progress.say(`Writing until the quota of ${sizeMiB} MiB is full`);
  writer.start();
  await until('etcd refuses a write', FILL_WITHIN_MS, async () => writer.refusedAt !== undefined);
  const refusedAt = writer.refusedAt as number;
  progress.say(`etcd refuses writes: database space exceeded (${writer.ackedWrites} writes were accepted before)`);
  await until('the alarm is listed', ACCEPT_WITHIN_MS, async () => (await alarmsOf(stage)).length > 0);
  const detectMs = Date.now() - refusedAt;
  const before = await sizesOf(stage);

  progress.say('The alarm NOSPACE is seen: starting the remediation');
  const startedAt = Date.now();
  const execution = await stage.platform.execute({
    incident: 'space-exceeded',
    input: { cluster: CLUSTER_NAME },
    onEvent: progress.onEvent,
  });
  const remediateMs = Date.now() - startedAt;

  const report =
    execution.status === 'SUCCEEDED' ? execution.output : { error: execution.error, cause: execution.cause };
  const checks: DrillCheck[] = [];
  const ackedBefore = writer.ackedWrites;
  const accepted = await settles(ACCEPT_WITHIN_MS, async () => writer.ackedWrites >= ackedBefore + WRITES_AFTERWARDS);
  checks.push({
    name: "the writer's writes are accepted again",
    ok: accepted,
    detail: `${writer.ackedWrites - ackedBefore} since the end of the remediation`,
  });
  await writer.stop();
  progress.say(`Reading back ${writer.acknowledgedKeys} acknowledged keys`);
  const lostWrites = await writer.countLostWrites();
  checks.push({ name: 'all acknowledged keys are read back', ok: lostWrites === 0, detail: `${lostWrites} lost` });

  const after = membersAfter(report) ?? (await sizesOf(stage));
  const members = [...before].map(([name, dbSizeBytesBefore]) => ({
    name,
    dbSizeBytesBefore,
    dbSizeBytesAfter: after.get(name) ?? Number.NaN,
  }));
  checks.push({
    name: 'every member is smaller',
    ok: members.every((member) => member.dbSizeBytesAfter < member.dbSizeBytesBefore),
    detail: members
      .map(
        (member) =>
          `${member.name} ${formatBytes(member.dbSizeBytesBefore)} -> ${formatBytes(member.dbSizeBytesAfter)}`,
      )
      .join(', '),
  });
  const alarms = await alarmsOf(stage);
  checks.push({ name: 'no alarm is left', ok: alarms.length === 0, detail: `${alarms.length} raised` });

  return {
    scenario: spaceExceeded.name,
    etcd: stage.etcdVersion,
    outcome: outcomeOf(report),
    incident: 'space-exceeded',
    runbook: 'space-reclaim',
    detectMs,
    remediateMs,
    maxWriteStallMs: writer.maxWriteStallMs,
    maxSilenceMs: writer.maxSilenceMs,
    ackedWrites: writer.ackedWrites,
    lostWrites,
    members,
    stateTransitions: countStateTransitions(execution.history),
    report,
    checks,
  };
}

/** Sizes as the execution proved them: the writer, which goes on, makes the databases grow again at once. */
function membersAfter(report: unknown): Map<string, number> | undefined {
  const { members } = report as { members?: MemberSpace[] };
  return members && new Map(members.map((member) => [member.name, member.dbSizeBytes]));
}

async function sizesOf({ etcd }: Stage): Promise<Map<string, number>> {
  const { members }: Observation = await etcd.observe();
  return new Map(members.map((member) => [member.name, member.answering ? member.dbSizeBytes : Number.NaN]));
}

async function alarmsOf({ etcd }: Stage) {
  return (await etcd.observe()).alarms;
}
