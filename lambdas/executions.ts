import { setTimeout as sleep } from 'node:timers/promises';
import { DescribeExecutionCommand, paginateListExecutions, SFNClient } from '@aws-sdk/client-sfn';
import { PreconditionFailed } from '../core/errors.ts';
import { AWS_CLIENT, requireRefusal } from './aws.ts';

/** Step Functions stops what a stopped execution has started, within seconds and as well as it can. */
const STOPPED_WITHIN_MS = 30_000;
const BETWEEN_LOOKS_MS = 2_000;

/**
 * That no other execution of any runbook is at work for a cluster. One that is just being stopped is waited for.
 * @param execution the name of the one that asks, where that is a runbook's
 * @param withinMs how long it is waited
 * @throws PreconditionFailed naming the others; AwsUnavailable
 */
export async function requireAlone(
  cluster: string,
  { execution = '', withinMs = STOPPED_WITHIN_MS }: { execution?: string; withinMs?: number } = {},
): Promise<void> {
  for (const until = Date.now() + withinMs; ; await sleep(BETWEEN_LOOKS_MS)) {
    const others = await findOthers(cluster, execution).catch(refused);
    if (others.length === 0) return;
    if (Date.now() + BETWEEN_LOOKS_MS < until) continue;
    throw new PreconditionFailed(
      `A runbook is at work for the cluster ${cluster} already: ${others.join(', ')}. Two of them must not change it at the same time. Nothing was ` +
        'changed; start again when it has ended.',
    );
  }
}

function refused(error: unknown): never {
  const { name, message } = requireRefusal(error, 'Step Functions, asked for running executions,');
  throw new PreconditionFailed(
    `Step Functions does not tell which executions run (${name}: ${message}). The deployed permissions are not those of this version: deploy again.`,
  );
}

async function findOthers(cluster: string, execution: string): Promise<string[]> {
  const client = new SFNClient(AWS_CLIENT);
  const others: string[] = [];
  for (const stateMachineArn of (process.env.RUNBOOKS ?? '').split(',')) {
    for await (const { executions = [] } of paginateListExecutions(
      { client },
      { stateMachineArn, statusFilter: 'RUNNING' },
    )) {
      for (const { executionArn, name } of executions) {
        if (name === execution) continue;
        const { input = '{}', status } = await client.send(new DescribeExecutionCommand({ executionArn }));
        if (status === 'RUNNING' && actsOn(input) === cluster) others.push(executionArn ?? '');
      }
    }
  }
  return others;
}

/** The cluster that an execution may change; it may have been started with anything, and a dry run changes nothing. */
function actsOn(input: string): unknown {
  const given = JSON.parse(input) as { cluster?: unknown; dryRun?: unknown } | null;
  return given?.dryRun === true ? undefined : given?.cluster;
}
