import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { AlarmAction, AlarmType } from 'etcd3/lib/rpc.js';
import type { AnsweringMember } from '../../core/cluster/observation.ts';
import type { Invocation } from '../../core/remediation/invocation.ts';
import type { Defragmented } from '../../core/space-reclaim/contracts.ts';
import type { DrillOptions } from '../../drills/scenario.ts';
import { CLUSTER_NAME, type Stage, type StageOptions, setStage } from '../../drills/stage.ts';
import type { EtcdCluster } from '../../lambdas/etcd/cluster.ts';
import { Connection } from '../../lambdas/etcd/connection.ts';
import { hasReason } from '../../lambdas/etcd/errors.ts';
import type { ClusterSecrets } from '../../lambdas/etcd/secrets.ts';
import type { FunctionName } from '../../lib/steps.ts';
import { systemClock } from '../../local/asl/clock.ts';
import type { ExecutionResult } from '../../local/asl/execution.ts';
import type { JsonObject } from '../../local/asl/json.ts';
import type { Clock } from '../../local/asl/types.ts';
import type { Platform } from '../../local/platform.ts';
import { WAIT_MS } from '../run/patience.ts';

export const MIB = 1024 * 1024;
const VALUE_BYTES = 64 * 1024;

/** Ten times as fast, for executions that wait in vain, or for what has long come: what is to be seen does not depend on how long they wait. */
export const HURRIED: Clock = {
  now: systemClock.now,
  sleep: (durationMs, signal) => systemClock.sleep(durationMs / 10, signal),
};

const SMALL: DrillOptions = { etcd: '3.5.16', members: 3, tls: false, auth: false, sizeMiB: 16 };

/** A real cluster with a quota of 16 MiB and the platform that looks after it. */
export function stage(options: Partial<StageOptions> = {}): Promise<Stage> {
  return setStage({ ...SMALL, ...options }, { say: () => undefined, onEvent: () => undefined });
}

/**
 * Writes values of 64 KiB, in turn under `keys` different keys, until etcd refuses for want of space and lists the alarm; or,
 * with `toShare`, until every member's database is above that share of its quota.
 */
export async function fill(
  etcd: EtcdCluster,
  { keys, toShare, prefix = 'fill' }: { keys: number; toShare?: number; prefix?: string },
): Promise<void> {
  const [member] = etcd.members;
  const isFilled = async () => {
    if (toShare === undefined) return false;
    const { members } = await etcd.observe();
    return members.every((seen) => seen.answering && seen.dbSizeBytes > (seen.quotaBytes ?? 0) * toShare);
  };
  try {
    for (let written = 0; !(await isFilled()); written++) {
      await member?.put(`${prefix}/${written % keys}`, `${written} `.padEnd(VALUE_BYTES, 'x'));
    }
  } catch (error) {
    if (toShare !== undefined || !hasReason(error, 'NoSpace')) throw error;
    await until(async () => (await etcd.observe()).alarms.length > 0);
  }
}

/** The alarms in a fixed order: etcd lists them in any. */
export async function alarmsOf({ etcd }: Pick<Stage, 'etcd'>): Promise<string[]> {
  return (await etcd.observe()).alarms.map(({ alarm, memberId }) => `${alarm} on ${memberId}`).toSorted();
}

/** Starts the space runbook and waits for its end. */
export function remediate(platform: Platform, input: JsonObject = {}): Promise<ExecutionResult> {
  return platform.execute({ incident: 'space-exceeded', input: { cluster: CLUSTER_NAME, ...input } });
}

/** The names of the states that an execution entered, in order. */
export function statesOf({ history }: ExecutionResult): string[] {
  return history.flatMap((event) => event.stateEnteredEventDetails?.name ?? []);
}

/** The members that were defragmented, in order. */
export function defragmentedIn({ history }: ExecutionResult): string[] {
  return history
    .filter(({ stateExitedEventDetails: exited }) => exited?.name === 'Defragment member')
    .flatMap(
      ({ stateExitedEventDetails: exited }) =>
        (JSON.parse(exited?.output ?? '{}') as Defragmented).defragmentations ?? [],
    )
    .map(({ member }) => member);
}

export async function statuses({ etcd }: Pick<Stage, 'etcd'>): Promise<AnsweringMember[]> {
  return (await etcd.observe()).members.filter((member) => member.answering);
}

export async function leaderOf(stage: Pick<Stage, 'etcd'>): Promise<AnsweringMember> {
  const members = await statuses(stage);
  const leader = members.find((member) => member.id === member.leaderId);
  if (!leader) throw new Error('no leader');
  return leader;
}

/** Raises an alarm, or takes it back, for any member ID, as a member of etcd does for itself. */
export async function setAlarm(
  stage: { cluster: { members: readonly { clientUrl: string }[] }; secrets?: Pick<ClusterSecrets, 'login'> },
  alarm: 'Corrupt' | 'Nospace',
  memberId: string,
  raised = true,
): Promise<void> {
  const endpoint = stage.cluster.members[0]?.clientUrl ?? '';
  const connection = new Connection({ endpoint, login: stage.secrets?.login, deadlineMs: WAIT_MS });
  try {
    await connection.maintenance.alarm({
      action: raised ? AlarmAction.Activate : AlarmAction.Deactivate,
      memberID: BigInt(`0x${memberId}`).toString(),
      alarm: AlarmType[alarm],
    });
  } finally {
    connection.close();
  }
}

/** What a step is given, as far as hooks look at it. */
interface StepEvent {
  member?: string;
  /** Of a phase on hosts. */
  command?: string;
  commands?: { host: string }[];
}

/** The steps that run commands on hosts. */
export const HOST_STEPS = ['run-host-commands', 'transfer-snapshots'];

/** Runs `hook` around each invocation of these steps: before it, or after it acted but before its answer is known. */
export function around(
  platform: Platform,
  steps: string | readonly string[],
  hook: {
    before?: (invocation: number, event: StepEvent) => Promise<void>;
    after?: (invocation: number) => Promise<void>;
  },
): Disposable {
  const { lambdas } = platform;
  const invoke = lambdas.invoke.bind(lambdas);
  let invocation = 0;
  lambdas.invoke = async (arn, event, signal) => {
    const invoked = event as Invocation;
    if (![steps].flat().includes(invoked.step)) return invoke(arn, event, signal);
    invocation++;
    await hook.before?.(invocation, invoked.input as StepEvent);
    const result = await invoke(arn, event, signal);
    await hook.after?.(invocation);
    return result;
  };
  return {
    [Symbol.dispose]: () => {
      lambdas.invoke = invoke;
    },
  };
}

/** Ends the processes of one function, by its name in `lib/steps.ts`, as Lambda's host would when it runs out of memory. @returns how many there were */
export async function killFunctions(name: FunctionName): Promise<number> {
  const logicalId = `${name.replaceAll('-', '')}Function`;
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,command=']);
  const found = stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, parent, command]) => Number(parent) === process.pid && command?.startsWith(logicalId));
  for (const [pid] of found) process.kill(Number(pid), 'SIGKILL');
  return found.length;
}

/** Waits for a condition: looked at often at first, then less and less, for each look takes time from those that are waited for. */
export async function until(holds: () => Promise<boolean>, longestPauseMs = 200): Promise<void> {
  let pauseMs = Math.min(20, longestPauseMs);
  for (const deadline = Date.now() + WAIT_MS; Date.now() < deadline; await sleep(pauseMs)) {
    if (await holds()) return;
    pauseMs = Math.min(1.3 * pauseMs, longestPauseMs);
  }
  throw new Error(`waited in vain until ${holds}`);
}
