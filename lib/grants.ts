import { ArnFormat, Aws, type Stack, Validations } from 'aws-cdk-lib';
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { type Cluster, hostsOf, registryParameterName } from '../core/contracts/clusters.ts';
import { instanceArn, secretArns } from './arns.ts';
import type { StepFunction } from './step-function.ts';
import { RUNBOOKS } from './workflows/registry.ts';

/** What single steps may do besides what every function may, each by its name. */

/** These of Run Command's actions know no resource that could be named. */
export const LOOK_FOR_HOSTS = 'ssm:DescribeInstanceInformation';
const FOLLOW_COMMANDS = [
  'ssm:GetCommandInvocation',
  'ssm:ListCommands',
  'ssm:ListCommandInvocations',
  'ssm:CancelCommand',
];

export function grantRegistry(stack: Stack, step: StepFunction, clusters: Cluster[]): void {
  step.function.addToRolePolicy(
    new PolicyStatement({
      actions: ['ssm:GetParameter'],
      resources: clusters.map((cluster) =>
        stack.formatArn({
          service: 'ssm',
          resource: 'parameter',
          resourceName: registryParameterName(cluster.name).slice(1),
          arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
        }),
      ),
    }),
  );
}

/** To see which executions of the runbooks run. By name, for their state machines need the step first. */
export function grantRunbooks(stack: Stack, { function: step }: StepFunction): void {
  const names = Object.values(RUNBOOKS).map(({ stateMachineName }) => stateMachineName);
  const arnOf = (resource: string, resourceName: string) =>
    stack.formatArn({ service: 'states', resource, resourceName, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
  const stateMachines = names.map((name) => arnOf('stateMachine', name));
  step.addEnvironment('RUNBOOKS', stateMachines.join(','));
  step.addToRolePolicy(new PolicyStatement({ actions: ['states:ListExecutions'], resources: stateMachines }));
  const executions = names.map((name) => arnOf('execution', `${name}:*`));
  step.addToRolePolicy(new PolicyStatement({ actions: ['states:DescribeExecution'], resources: executions }));
  for (const name of names) {
    Validations.of(step.role as IRole).acknowledge({
      id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:${name}:*]`,
      reason: 'Which execution it is, is found out only then: any of this one state machine.',
    });
  }
}

/** Some of our documents, on the hosts of the configuration. */
export function grantRunCommand(stack: Stack, step: StepFunction, clusters: Cluster[], documents: string[]): void {
  const hosts = clusters.flatMap(hostsOf);
  if (hosts.length > 0) {
    step.function.addToRolePolicy(
      new PolicyStatement({
        actions: ['ssm:SendCommand'],
        resources: [...documents, ...[...new Set(hosts)].map((host) => instanceArn(stack, host))],
      }),
    );
  }
  grantUnnamed(step, [...FOLLOW_COMMANDS, LOOK_FOR_HOSTS]);
}

export function grantUnnamed(step: StepFunction, actions: string[]): void {
  step.function.addToRolePolicy(new PolicyStatement({ actions, resources: ['*'] }));
}

export function grantSecrets(stack: Stack, step: StepFunction, clusters: Cluster[]): void {
  const references = clusters
    .flatMap(({ auth, tls }) => [auth?.secret, tls?.secret])
    .filter((secret) => secret !== undefined);
  if (references.length === 0) return;
  step.function.addToRolePolicy(
    new PolicyStatement({
      actions: ['secretsmanager:GetSecretValue'],
      resources: [...new Set(references)].flatMap((reference) => secretArns(stack, reference)),
    }),
  );
}

/** To see what backups there are, in the buckets that the configuration names; their contents are no concern of who looks. */
export function grantBackupLists(step: StepFunction, clusters: Cluster[]): void {
  const buckets = clusters.flatMap(({ backups }) => (backups ? [`arn:${Aws.PARTITION}:s3:::${backups.bucket}`] : []));
  if (buckets.length === 0) return;
  step.function.addToRolePolicy(new PolicyStatement({ actions: ['s3:ListBucket'], resources: [...new Set(buckets)] }));
}
