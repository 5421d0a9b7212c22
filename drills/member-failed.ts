import { countStateTransitions } from '../local/asl/history.ts';
import { isHealthy } from '../local/etcd/health.ts';
import { outcomeOf, settles, until } from './conditions.ts';
import type { DrillCheck, DrillOptions, DrillProgress, DrillResult, Scenario } from './scenario.ts';
import { CLUSTER_NAME, type HostedStage, setHostedStage } from './stage.ts';
import { Writer } from './writer.ts';

/** The drill's member does not come back: seconds are enough to be sure. */
const CONFIRM_SECONDS = 2;
const LOADED_KEYS = 2_000;
const ACCEPT_WITHIN_MS = 10_000;
const LOAD_WITHIN_MS = 60_000;
const WRITES_AFTERWARDS = 50;

/**
 * 1. Break: under a writer's load, crash a member (two of five) and damage its log on disk, so that its service fails to start.
 * 2. Detect: the member does not answer.
 * 3. Remediate: the entry is the cluster's name, and a shorter confirmation.
 * 4. Prove: every acknowledged write is read back, all members are healthy voters with the same hash, the old data is kept.
 */
export const memberFailed: Scenario = {
  name: 'member-failed',
  summary: 'A member crashes, and its damaged log does not let it start again.',
  needsHosts: true,
  async run(options, progress) {
    const stage = await setHostedStage(options, progress);
    const { tls, login } = stage.secrets;
    const broken = stage.cluster.members.slice(options.members > 3 ? -2 : -1).map(({ name }) => name);
    const writer = new Writer({
      // Clients that know of the outage: what is measured is the cluster's stall and not a dead address.
      endpoints: stage.cluster.members.filter(({ name }) => !broken.includes(name)).map(({ clientUrl }) => clientUrl),
      tls,
      login,
      keys: LOADED_KEYS,
      valueBytes: 1024,
    });
    try {
      return await drill(stage, writer, broken, options, progress);
    } finally {
      await writer.stop();
      writer.close();
      await stage.close();
    }
  },
};

async function drill(
  stage: HostedStage,
  writer: Writer,
  broken: readonly string[],
  { members: count }: DrillOptions,
  progress: DrillProgress,
): Promise<DrillResult> {
  progress.say(`Writing ${LOADED_KEYS} keys; small writes then go on to the end`);
  writer.start();
  await until('the keys are written', LOAD_WITHIN_MS, async () => writer.ackedWrites >= LOADED_KEYS);
  writer.slowDown();
  const before = await stage.etcd.observe();
  const oldIds = new Map(before.members.map((member) => [member.name, member.answering ? member.id : '']));
  progress.say(`Crashing ${broken.join(' and ')}, and damaging the log on disk`);
  const brokenAt = Date.now();
  for (const name of broken) await stage.cluster.destroyMember(name);
  await until('the members do not answer', ACCEPT_WITHIN_MS, async () => {
    const { members } = await stage.etcd.observe();
    return members.every((member) => member.answering !== broken.includes(member.name));
  });
  const detectMs = Date.now() - brokenAt;
  writer.forgetStalls();

  progress.say(`No longer answering, and failing to start: ${broken.join(' and ')}. Starting the remediation`);
  const startedAt = Date.now();
  const execution = await stage.platform.execute({
    incident: 'member-failed',
    input: { cluster: CLUSTER_NAME, parameters: { confirmSeconds: CONFIRM_SECONDS } },
    onEvent: progress.onEvent,
  });
  const remediateMs = Date.now() - startedAt;
  const report =
    execution.status === 'SUCCEEDED' ? execution.output : { error: execution.error, cause: execution.cause };

  const checks: DrillCheck[] = [];
  const ackedBefore = writer.ackedWrites;
  const goesOn = await settles(ACCEPT_WITHIN_MS, async () => writer.ackedWrites >= ackedBefore + WRITES_AFTERWARDS);
  checks.push({
    name: 'writes go on',
    ok: goesOn,
    detail: `${writer.ackedWrites - ackedBefore} accepted since the end of the remediation`,
  });
  await writer.stop();
  progress.say(`Reading back ${writer.acknowledgedKeys} acknowledged keys`);
  const lostWrites = await writer.countLostWrites();
  checks.push({ name: 'all acknowledged keys are read back', ok: lostWrites === 0, detail: `${lostWrites} lost` });
  const after = await stage.etcd.observe();
  const voters = after.members.filter((member) => member.answering && !member.isLearner);
  checks.push({ name: 'every member is a voter', ok: voters.length === count, detail: `${voters.length} of ${count}` });
  checks.push(await compareData(stage));
  const { archived = [] } = report as { archived?: { member: string; dataDir: string }[] };
  checks.push(await findOldData(stage, broken, archived));

  return {
    scenario: memberFailed.name,
    etcd: stage.etcdVersion,
    outcome: outcomeOf(report),
    incident: 'member-failed',
    runbook: 'member-replacement',
    detectMs,
    remediateMs,
    maxWriteStallMs: writer.maxWriteStallMs,
    maxSilenceMs: writer.maxSilenceMs,
    ackedWrites: writer.ackedWrites,
    lostWrites,
    members: after.members.map((member) => ({
      name: member.name,
      idBefore: oldIds.get(member.name) ?? '',
      idAfter: member.answering ? member.id : '',
      replaced: broken.includes(member.name),
    })),
    stateTransitions: countStateTransitions(execution.history),
    report,
    checks,
  };
}

/** By the drill's own reading, with etcdctl and not through what the runbook used. */
async function compareData({ cluster }: HostedStage): Promise<DrillCheck> {
  const hashes: number[] = [];
  const same = await settles(ACCEPT_WITHIN_MS, async () => {
    hashes.length = 0;
    for (const { name, clientUrl } of cluster.members) {
      if (!(await isHealthy(clientUrl, cluster.tls))) return false;
      const answer = JSON.parse(await cluster.etcdctl(['endpoint', 'hashkv', '--write-out=json'], [name]));
      hashes.push(answer[0].HashKV.hash);
    }
    return new Set(hashes).size === 1;
  });
  return { name: 'every member holds the same data', ok: same, detail: `hashes ${[...new Set(hashes)].join(', ')}` };
}

async function findOldData(
  { cluster }: HostedStage,
  broken: readonly string[],
  archived: readonly { member: string; dataDir: string }[],
): Promise<DrillCheck> {
  const found: string[] = [];
  for (const { member, dataDir } of archived) {
    const kept = await cluster.run(member, `[ -d '${dataDir}/member/wal' ] && echo kept`).catch(() => '');
    if (kept.trim() === 'kept') found.push(dataDir);
  }
  const ok = found.length === broken.length;
  return { name: 'the old data is kept', ok, detail: found.join(', ') || 'it was not found' };
}
