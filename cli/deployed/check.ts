import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { AWS_CLIENT } from '../../client/aws.ts';
import { CHECK_STATE_MACHINE, type CheckReport } from '../../core/diagnosis/check.ts';
import { type Deployment, stateMachineBeside } from '../../core/text/names.ts';
import { type Checked, checkOutcomeOf, describeChecks } from '../check-report.ts';
import { forEachCluster, namesOf } from '../each-cluster.ts';
import { explainedIn } from '../error-entry.ts';
import { openOutput } from '../output.ts';
import { whileNothingChanges } from '../signals.ts';
import { withDeployment } from './connection.ts';
import type { DeployedFlags } from './flags.ts';
import { lookAt, registeredClusters, requireReadable } from './look.ts';

const BETWEEN_LOOKS_MS = 2_000;
/** Each is asked for every two seconds, and Step Functions describes ten executions in a second: the rest is for who remediates meanwhile. */
const AT_ONCE = 16;

/** `etcd-remediation check --deployed`: the same check, by what is deployed, which reaches what this machine may not. */
export async function checkDeployed(name: string | undefined, flags: DeployedFlags): Promise<void> {
  const output = openOutput(flags.json);
  using _ = whileNothingChanges();
  await withDeployment(flags, async (deployment) => {
    const clusters = await registeredClusters(name, output);
    output.print(`Checking ${namesOf(clusters.map((each) => each.name))} (nothing is changed)`);
    const client = new SFNClient({ ...AWS_CLIENT, retryMode: 'adaptive' });
    const checked = await forEachCluster(
      clusters,
      (registered) =>
        lookAt<Checked>(
          async () => {
            requireReadable(registered);
            return checkCluster(client, deployment, registered.name);
          },
          (why) => ({ outcome: 'NotChecked', cluster: registered.name, ...why }),
        ),
      { atOnce: AT_ONCE, screen: output },
    );
    const outcome = checkOutcomeOf(checked);
    output.finish({ outcome, clusters: checked }, [...describeChecks(checked), ...explainedIn(checked)]);
    if (outcome !== 'Well') process.exitCode ??= 1;
  });
}

async function checkCluster(client: SFNClient, deployment: Deployment, cluster: string): Promise<Checked> {
  const executionArn = await startCheck(client, deployment, cluster);
  // The state machine has a time limit of its own.
  for (;;) {
    const execution = await client.send(new DescribeExecutionCommand({ executionArn }));
    if (execution.status === 'SUCCEEDED') return JSON.parse(execution.output ?? '{}') as CheckReport;
    if (execution.status !== 'RUNNING') {
      const { status = '', error = status, cause = `The execution ${executionArn} ended so.` } = execution;
      return { outcome: 'NotChecked', cluster, error, cause };
    }
    await sleep(BETWEEN_LOOKS_MS);
  }
}

async function startCheck(client: SFNClient, deployment: Deployment, cluster: string): Promise<string> {
  const stateMachineArn = stateMachineBeside(deployment, CHECK_STATE_MACHINE);
  const started = await client.send(
    new StartExecutionCommand({ stateMachineArn, name: randomUUID(), input: JSON.stringify({ cluster }) }),
  );
  return started.executionArn ?? '';
}
