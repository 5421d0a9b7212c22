import { setTimeout as sleep } from 'node:timers/promises';
import { DescribeExecutionCommand, paginateListExecutions, SFNClient } from '@aws-sdk/client-sfn';
import { AWS_CLIENT, requireRefusal } from '../client/aws.ts';
import { PreconditionFailed } from '../core/errors.ts';

/** Step Functions stops what a stopped execution has started, within seconds and as well as it can. */
const STOPPED_WITHIN_MS = 30_000;
const BETWEEN_LOOKS_MS = 2_000;
const EXECUTIONS_PER_PAGE = 1_000;
/** How the entry workflow calls the executions of runbooks: by the cluster's whole name, in which there is no underscore. */
const OF_CLUSTER = /^(?<cluster>[A-Za-z0-9-]{1,63})_[0-9a-f]{16}$/;

interface Running {
  executionArn: string;
  name: string;
}

/**
 * What ran of each state machine, and when that was asked. In a storm every cluster asks the same, and Step Functions lists executions a few times in a
 * second, for the whole account.
 * https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
const seen = new Map<string, { atMs: number; running: Running[] }>();

/**
 * That no other execution of any runbook is at work for a cluster. One that is just being stopped is waited for.
 * @param execution the name of the one that asks, where that is a runbook's
 * @param withinMs how long it is waited
 * @param seenSinceMs what was seen since then is new enough for the first look: since the caller has the cluster's lock, for one
 * @throws PreconditionFailed naming the others; AwsUnavailable
 */
export async function requireAlone(
  cluster: string,
  {
    execution = '',
    withinMs = STOPPED_WITHIN_MS,
    seenSinceMs = Date.now(),
  }: { execution?: string; withinMs?: number; seenSinceMs?: number } = {},
): Promise<void> {
  let sinceMs = seenSinceMs;
  for (const until = Date.now() + withinMs; ; await sleep(BETWEEN_LOOKS_MS)) {
    const others = await findOthers(cluster, execution, sinceMs).catch(refused);
    if (others.length === 0) return;
    if (Date.now() + BETWEEN_LOOKS_MS >= until) {
      throw new PreconditionFailed(
        `A runbook already runs for the cluster ${cluster}: ${others.join(', ')}. Two of them must not change it at the same time. Nothing was ` +
          'changed. Start again when it has ended.',
      );
    }
    sinceMs = Date.now();
  }
}

function refused(error: unknown): never {
  const { name, message } = requireRefusal(error, 'Step Functions, asked for running executions,');
  throw new PreconditionFailed(
    `Step Functions refuses to list the running executions (${name}: ${message}). The deployed permissions are not those of this version: deploy again.`,
  );
}

async function findOthers(cluster: string, execution: string, sinceMs: number): Promise<string[]> {
  // Where it is throttled it waits by itself: to begin again would use up what the others wait for.
  const client = new SFNClient({ ...AWS_CLIENT, maxAttempts: 8 });
  const others: string[] = [];
  for (const stateMachineArn of (process.env.RUNBOOKS ?? '').split(',')) {
    for (const { executionArn, name } of await runningOf(client, stateMachineArn, sinceMs)) {
      if (name === execution) continue;
      const ofCluster = OF_CLUSTER.exec(name)?.groups?.cluster;
      if (ofCluster !== undefined && ofCluster !== cluster) continue;
      // Someone may have called it anything; and what was seen may have ended since.
      const { input = '{}', status } = await client.send(new DescribeExecutionCommand({ executionArn }));
      if (status === 'RUNNING' && actsOn(input) === cluster) others.push(executionArn);
    }
  }
  return others;
}

async function runningOf(client: SFNClient, stateMachineArn: string, sinceMs: number): Promise<Running[]> {
  const known = seen.get(stateMachineArn);
  if (known && known.atMs >= sinceMs) return known.running;
  const atMs = Date.now();
  const running: Running[] = [];
  const pages = paginateListExecutions(
    { client, pageSize: EXECUTIONS_PER_PAGE },
    { stateMachineArn, statusFilter: 'RUNNING' },
  );
  for await (const { executions = [] } of pages) {
    for (const { executionArn = '', name = '' } of executions) running.push({ executionArn, name });
  }
  seen.set(stateMachineArn, { atMs, running });
  return running;
}

/** The cluster that an execution may change; it may have been started with anything, and a dry run changes nothing. */
function actsOn(input: string): unknown {
  const given = JSON.parse(input) as { cluster?: unknown; dryRun?: unknown } | null;
  return given?.dryRun === true ? undefined : given?.cluster;
}
