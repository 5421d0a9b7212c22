import { DescribeExecutionCommand, paginateListExecutions, SFNClient } from '@aws-sdk/client-sfn';
import { PreconditionFailed } from '../core/errors.ts';
import { AWS_CLIENT, requireRefusal } from './aws.ts';

/**
 * That no other execution of any runbook is at work for a cluster.
 * @param execution the name of the one that asks
 * @throws PreconditionFailed naming the others; AwsUnavailable
 */
export async function requireAlone(cluster: string, execution: string): Promise<void> {
  const others = await findOthers(cluster, execution).catch((error: unknown) => {
    const { name, message } = requireRefusal(error, 'Step Functions, asked for running executions,');
    throw new PreconditionFailed(
      `Step Functions does not tell which executions run (${name}: ${message}). The deployed permissions are not those of this version: deploy again.`,
    );
  });
  if (others.length === 0) return;
  throw new PreconditionFailed(
    `Another remediation is at work for the cluster ${cluster}: ${others.join(', ')}. Authentication must not change under it. Nothing was ` +
      'changed; start again when it has ended.',
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
        if (status === 'RUNNING' && clusterIn(input) === cluster) others.push(executionArn ?? '');
      }
    }
  }
  return others;
}

/** An execution may have been started with anything. */
function clusterIn(input: string): unknown {
  return (JSON.parse(input) as { cluster?: unknown } | null)?.cluster;
}
