import { afterEach, expect } from 'vitest';
import type { AnsweringMember } from '../../core/cluster/observation.ts';
import type { DrillOptions } from '../../drills/scenario.ts';
import { CLUSTER_NAME, type HostedStage, setHostedStage } from '../../drills/stage.ts';
import { countLostWrites } from '../../drills/witness.ts';
import { Writer } from '../../drills/writer.ts';
import { systemClock } from '../../local/asl/clock.ts';
import type { ExecutionResult } from '../../local/asl/execution.ts';
import type { JsonObject } from '../../local/asl/json.ts';
import type { Clock } from '../../local/asl/types.ts';
import { UNIT } from '../../local/hosts/hosted-member.ts';
import type { ExecutionRequest } from '../../local/platform.ts';
import { WAIT_MS } from '../run/patience.ts';
import { until } from './scene.ts';

const SMALL: DrillOptions = { etcd: '3.5.30', members: 3, tls: false, auth: false, sizeMiB: 64 };

/** The second between two readings of the shortest confirmation is longer than anything here needs to change its mind. */
const SOON_CONFIRMED: Clock = {
  now: systemClock.now,
  sleep: (durationMs, signal) => systemClock.sleep(durationMs === 1_000 ? 50 : durationMs, signal),
};

/** A real cluster on hosts without root, and the platform that looks after it. */
export function hostedStage(options: Partial<Parameters<typeof setHostedStage>[0]> = {}): Promise<HostedStage> {
  return setHostedStage(
    { ...SMALL, clock: SOON_CONFIRMED, ...options },
    { say: () => undefined, onEvent: () => undefined },
  );
}

/** Makes a stage for the test that asks for it, which is closed after that test whatever happens. */
export function stageForEachTest(): typeof hostedStage {
  let current: HostedStage | undefined;
  afterEach(async () => {
    await current?.close();
    current = undefined;
  });
  return async (options) => {
    current = await hostedStage(options);
    return current;
  };
}

/** Starts the member runbook and waits for its end. The shortest confirmation is enough here. */
export function replace(
  { platform }: HostedStage,
  input: JsonObject & { parameters?: JsonObject } = {},
  observe: Pick<ExecutionRequest, 'onEvent' | 'signal'> = {},
): Promise<ExecutionResult> {
  const parameters = { confirmSeconds: 1, ...input.parameters };
  return platform.execute({
    incident: 'member-failed',
    input: { cluster: CLUSTER_NAME, ...input, parameters },
    ...observe,
  });
}

/** Starts the runbook for data that differ and waits for its end. */
export function repair(
  { platform }: HostedStage,
  input: JsonObject & { parameters?: JsonObject } = {},
): Promise<ExecutionResult> {
  const parameters = { confirmSeconds: 1, ...input.parameters };
  return platform.execute({ incident: 'data-corrupt', input: { cluster: CLUSTER_NAME, ...input, parameters } });
}

/** Starts the quorum runbook and waits for its end. */
export async function recover(
  stage: HostedStage,
  input: JsonObject & { parameters?: JsonObject } = {},
  observe: Pick<ExecutionRequest, 'onEvent' | 'signal'> = {},
): Promise<ExecutionResult> {
  const parameters = { confirmSeconds: 1, ...input.parameters };
  const execution = await stage.platform.execute({
    incident: 'quorum-lost',
    input: { cluster: CLUSTER_NAME, ...input, parameters },
    ...observe,
  });
  stage.reconnect();
  return execution;
}

/** The output of an execution that succeeded. */
export function outputOf(execution: ExecutionResult): Record<string, unknown> & { outcome: string } {
  if (execution.status !== 'SUCCEEDED') throw new Error(`${execution.status} ${execution.error}: ${execution.cause}`);
  return execution.output as Record<string, unknown> & { outcome: string };
}

/** The states in which an execution ran a command on hosts, in their order: the round trips, whatever the number of hosts. */
export function roundTripsOf({ history }: ExecutionResult): string[] {
  return history.flatMap(({ type, stateExitedEventDetails: exited }) => {
    if (type !== 'TaskStateExited') return [];
    const { reports = [] } = Object(JSON.parse(exited?.output ?? '{}')) as { reports?: unknown[] };
    return reports.length > 0 ? [exited?.name ?? ''] : [];
  });
}

/** Small writes that go on until the test ends, through the members which stay. */
export function startWriting({ cluster, secrets }: HostedStage, names: readonly string[]): Writer {
  const writer = new Writer({
    endpoints: cluster.members.filter(({ name }) => names.includes(name)).map(({ clientUrl }) => clientUrl),
    tls: secrets.tls,
    login: secrets.login,
    keys: 1,
    valueBytes: 1,
  });
  writer.slowDown();
  return writer;
}

/** @returns how many acknowledged writes are gone; there were some */
export async function lostBy(writer: Writer, { witness }: HostedStage): Promise<number> {
  await writer.stop();
  expect(writer.ackedWrites).toBeGreaterThan(0);
  return countLostWrites(writer.acknowledged, witness.etcdctl);
}

/** That every member is a healthy voter with the same data, and that its service runs. */
export async function expectWhole({ etcd, cluster }: HostedStage): Promise<void> {
  await until(async () => {
    const { members, memberList } = await etcd.observe();
    const voters = members.filter((member): member is AnsweringMember => member.answering && !member.isLearner);
    return voters.length === members.length && memberList.length === members.length;
  });
  await until(async () => {
    const { members } = await etcd.observe();
    const revisions = members.map((member) => (member.answering ? BigInt(member.revision) : 0n));
    const revision = revisions.reduce((lowest, each) => (each < lowest ? each : lowest)).toString();
    const hashes = await Promise.all(etcd.members.map((member) => member.hashAt(revision, WAIT_MS)));
    return new Set(hashes.map(({ hash }) => hash)).size === 1;
  });
  for (const { name } of cluster.members) expect(await serviceOf(cluster, name)).toBe('active');
}

/** Waits for a leader: the member that was crashed may have been the one. */
export async function untilLed({ etcd }: HostedStage): Promise<void> {
  await until(async () => (await etcd.observe()).memberList.length > 0);
}

export async function serviceOf(cluster: HostedStage['cluster'], name: string): Promise<string> {
  return (await cluster.run(name, `systemctl show -p ActiveState ${UNIT}`)).trim().replace('ActiveState=', '');
}

/** Member IDs by name; those that do not answer by what etcd's list says. */
export async function idsOf({ etcd }: HostedStage): Promise<Record<string, string>> {
  const { memberList } = await etcd.observe();
  return Object.fromEntries(memberList.map(({ name, id }) => [name, id]));
}

/** What was moved aside in a member's data dir. */
export async function archivesOf({ cluster }: HostedStage, name: string): Promise<string[]> {
  const { layout } = [...cluster.members, ...cluster.spares].find((member) => member.name === name)?.host ?? {};
  const listed = await cluster.run(name, `ls -d '${layout?.dataDir}'/member.* 2> /dev/null || true`);
  return listed.split('\n').filter((path) => path !== '');
}
