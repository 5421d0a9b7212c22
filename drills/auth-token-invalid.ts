import { forgetsToEnableTokens } from '../core/cluster/releases.ts';
import { UNIT } from '../local/hosts/hosted-member.ts';
import { until } from './conditions.ts';
import { Intruder } from './intruder.ts';
import { everyMemberHoldsTheSame, idsOf } from './proofs.ts';
import type { DrillCheck, DrillOptions, DrillProgress, DrillResult, ResetStrategy } from './scenario.ts';
import { type HostedStage, setHostedStage } from './stage.ts';
import { flood, nothingIsLost, type Remediation, readBack, remediate, resultOf, underLoad } from './under-load.ts';
import { healthyOnes, type Witness } from './witness.ts';
import type { WriterThread } from './writer-thread.ts';

/** The drill's member does not change its mind: seconds are enough to be sure. */
const CONFIRM_SECONDS = 2;
/** With its first snapshot a member throws the beginning of its log away: a member that joins then is sent a snapshot. */
const SNAPSHOT_COUNT = 1_000;
const LOADED_WRITES = 2_500;

/** What is added to a drill's result. */
interface AuthTokenResult extends DrillResult {
  /** How long authentication was disabled, by the report; 0 where it never was. */
  windowMs: number;
  /** Requests of someone without a login that were served since the remediation began. */
  anonymousRequests: number;
}

/**
 * 1. Break: after so many writes that etcd has thrown the beginning of its log away, a member (two of five) joins again, and so through a
 *    snapshot. Before 3.4.19 and 3.5.5 it then rejects every token.
 * 2. Detect: a token that was issued a moment ago is rejected.
 * 3. Remediate, while someone without a login tries to get in.
 * 4. Prove: every member takes a login and refuses strangers, nothing is lost, and only what had to be was restarted. A release without the
 *    defect has nothing to cure, and nothing is touched.
 */
export async function authTokenInvalid(
  { strategy = 'restart-then-toggle', ...options }: DrillOptions,
  progress: DrillProgress,
): Promise<DrillResult> {
  const stage = await setHostedStage({ ...options, auth: true, snapshotCount: SNAPSHOT_COUNT }, progress);
  const { members } = stage.cluster;
  const rejoining = members.slice(options.members > 3 ? -2 : -1).map(({ name }) => name);
  const endpoints = members.filter(({ name }) => !rejoining.includes(name)).map(({ clientUrl }) => clientUrl);
  return underLoad(stage, { endpoints, keys: LOADED_WRITES, valueBytes: 16 }, (writer) =>
    drill(stage, writer, rejoining, strategy, progress),
  );
}

async function drill(
  stage: HostedStage,
  writer: WriterThread,
  rejoining: readonly string[],
  strategy: ResetStrategy,
  progress: DrillProgress,
): Promise<AuthTokenResult> {
  progress.say(`Writing ${LOADED_WRITES} times; small writes then go on to the end`);
  await flood(writer, LOADED_WRITES);
  await writer.ask('slowDown');
  progress.say(`Letting ${rejoining.join(' and ')} join the cluster anew`);
  for (const name of rejoining) await stage.cluster.rejoin(name);
  const joinedAt = Date.now();
  const isAffected = forgetsToEnableTokens(stage.etcdVersion);
  const rejecting = await settledRejections(stage, isAffected ? rejoining : []);
  const detectMs = Date.now() - joinedAt;
  const [idsBefore, processesBefore] = [await idsOf(stage), await processesOf(stage)];
  await writer.ask('forgetStalls');

  progress.say(
    `${rejecting.length > 0 ? `Rejecting fresh tokens: ${rejecting.join(' and ')}` : 'No member rejects fresh tokens'}. Starting the remediation`,
  );
  const intruder = new Intruder(
    stage.cluster.members.map(({ clientUrl }) => clientUrl),
    stage.cluster.tls,
  );
  const remediation = await remediate(
    stage,
    'auth-token-invalid',
    { confirmSeconds: CONFIRM_SECONDS, strategy },
    progress,
  ).finally(() => intruder.stop());

  const { goesOn, lostWrites, figures } = await readBack(stage, writer, progress);
  const [idsAfter, processesAfter] = [await idsOf(stage), await processesOf(stage)];
  const restarted = [...processesAfter].flatMap(([name, pid]) => (processesBefore.get(name) === pid ? [] : [name]));
  const windowMs = windowOf(remediation);
  const expected = isAffected ? 'Remediated' : 'NothingToDo';
  const result = resultOf(stage, remediation, figures, {
    scenario: 'auth-token-invalid',
    runbook: 'auth-token-reset',
    detectMs,
    lostWrites,
    members: [...idsAfter].map(([name, idAfter]) => ({
      name,
      idBefore: idsBefore.get(name) ?? '',
      idAfter,
      rejectedTokens: rejecting.includes(name),
      restarted: restarted.includes(name),
    })),
    checks: [
      {
        name: 'the defect of the release is found',
        ok: same(rejecting, isAffected ? rejoining : []),
        detail: stage.etcdVersion,
      },
      goesOn,
      nothingIsLost(lostWrites),
      await everyMemberTakesALogin(stage),
      await everyMemberRefusesStrangers(stage),
      await everyMemberHoldsTheSame(stage),
      {
        name: 'only those that had to were restarted',
        ok: same(restarted, strategy === 'toggle' ? [] : rejecting),
        detail: restarted.join(', ') || 'none',
      },
      {
        name: 'strangers were let in only while authentication was disabled',
        ok: windowMs > 0 || intruder.admitted === 0,
        detail: `${intruder.admitted} requests in ${windowMs} ms`,
      },
    ],
  });
  return {
    ...result,
    checks: [
      { name: `it ends as ${expected}`, ok: result.outcome === expected, detail: result.outcome },
      ...result.checks,
    ],
    windowMs,
    anonymousRequests: intruder.admitted,
  };
}

/** Waits until what members do is what is expected, or time is up: a member may still be joining. @returns who rejects fresh tokens */
async function settledRejections({ witness }: HostedStage, expected: readonly string[]): Promise<string[]> {
  let rejecting: string[] = [];
  await until('members have settled', async () => {
    rejecting = Object.keys(await refusals(witness));
    const healthy = await healthyOnes(witness);
    return healthy.length === witness.members.length && same(rejecting, expected);
  }).catch(() => undefined);
  return rejecting;
}

async function everyMemberTakesALogin({ witness }: HostedStage): Promise<DrillCheck> {
  const problems = Object.entries(await refusals(witness)).map(([name, words]) => `${name}: ${words}`);
  return {
    name: 'every member takes a login',
    ok: problems.length === 0,
    detail: problems.join('; ') || 'with etcdctl',
  };
}

/** Why a member does not serve someone who has just logged in there, by the names of such members. */
async function refusals({ members, etcdctl }: Witness): Promise<Record<string, string>> {
  const tried = members.map(async ({ name }) => {
    const refusal = await etcdctl(['put', 'drill/login', name], name).then(
      () => undefined,
      (error: Error) => error.message,
    );
    return refusal === undefined ? [] : [[name, refusal]];
  });
  return Object.fromEntries((await Promise.all(tried)).flat());
}

async function everyMemberRefusesStrangers({ witness, cluster }: HostedStage): Promise<DrillCheck> {
  const tried = witness.members.map(({ name }) =>
    cluster.etcdctl(['get', 'drill/login'], [name], { user: undefined }).then(
      () => 'served',
      (error: Error) => error.message,
    ),
  );
  const open = (await Promise.all(tried)).filter((answer) => answer === 'served');
  return { name: 'every member refuses strangers', ok: open.length === 0, detail: `${open.length} let one in` };
}

/** The process of each member's service. */
async function processesOf({ cluster }: HostedStage): Promise<Map<string, string>> {
  const pids = cluster.members.map(
    async ({ name }): Promise<[string, string]> => [name, await cluster.run(name, `systemctl show -p MainPID ${UNIT}`)],
  );
  return new Map(await Promise.all(pids));
}

function windowOf({ report }: Remediation): number {
  return (report as { window?: { ms: number } | null }).window?.ms ?? 0;
}

function same(names: readonly string[], others: readonly string[]): boolean {
  return names.toSorted().join() === others.toSorted().join();
}
