import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { ArnFormat, Aws, Stack, Validations } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { rolesOfClusters } from '../core/cluster/cluster-role.ts';
import { registryParameterName } from '../core/cluster/clusters.ts';
import { RUNBOOKS } from '../core/runbooks.ts';
import { named, prefixOf } from './names.ts';
import type { StepFunction } from './step-function.ts';

/** What single steps may do besides what every function may, each by its name. */

/** These of Run Command's actions know no resource that could be named. */
export const LOOK_FOR_HOSTS = 'ssm:DescribeInstanceInformation';
export const FOLLOW_COMMANDS = [
  'ssm:GetCommandInvocation',
  'ssm:ListCommands',
  'ssm:ListCommandInvocations',
  'ssm:CancelCommand',
];

const WHICH_CLUSTER = 'Which cluster it is, is found out only then: any that is deployed, one at a time.';

/** To read the configuration of whichever cluster it is given. */
export function grantRegistry(scope: Construct, { function: step }: StepFunction): void {
  const resource = named(scope, registryParameterName('*'));
  step.addToRolePolicy(
    new PolicyStatement({
      actions: ['ssm:GetParameter'],
      resources: [
        Stack.of(scope).formatArn({
          service: 'ssm',
          resource: 'parameter',
          resourceName: resource.slice(1),
          arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
        }),
      ],
    }),
  );
  acknowledge(step.role, `ssm:<AWS::Region>:<AWS::AccountId>:parameter${resource}`, WHICH_CLUSTER);
}

/** To assume the role of whichever cluster it is given, if that trusts it: see core/cluster/cluster-role.ts. */
export function grantClusters(scope: Construct, step: StepFunction): void {
  grantRegistry(scope, step);
  const prefix = prefixOf(scope);
  const roles = rolesOfClusters({
    partition: Aws.PARTITION,
    account: Stack.of(scope).account,
    region: Aws.REGION,
    prefix,
  });
  step.function.addEnvironment('CLUSTER_ROLES', roles);
  step.function.addToRolePolicy(new PolicyStatement({ actions: ['sts:AssumeRole'], resources: [roles] }));
  const shown = rolesOfClusters({ partition: '', account: '<AWS::AccountId>', region: '<AWS::Region>', prefix });
  acknowledge(step.function.role, shown.slice('arn::'.length), WHICH_CLUSTER);
}

function acknowledge(role: IRole | undefined, resource: string, reason: string): void {
  Validations.of(role as IRole).acknowledge({
    id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:${resource}]`,
    reason,
  });
}

/** To see which executions of the runbooks run. By name, for their state machines need the step first. */
export function grantRunbooks(scope: Construct, { function: step }: StepFunction): void {
  const names = Object.values(RUNBOOKS).map(({ stateMachineName }) => named(scope, stateMachineName));
  const arnOf = (resource: string, resourceName: string) =>
    Stack.of(scope).formatArn({ service: 'states', resource, resourceName, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
  const stateMachines = names.map((name) => arnOf('stateMachine', name));
  step.addEnvironment('RUNBOOKS', stateMachines.join(','));
  step.addToRolePolicy(new PolicyStatement({ actions: ['states:ListExecutions'], resources: stateMachines }));
  const executions = names.map((name) => arnOf('execution', `${name}:*`));
  step.addToRolePolicy(new PolicyStatement({ actions: ['states:DescribeExecution'], resources: executions }));
  for (const name of names) {
    acknowledge(
      step.role,
      `states:<AWS::Region>:<AWS::AccountId>:execution:${name}:*`,
      'Which execution it is, is found out only then: any of this one state machine.',
    );
  }
}

export function grantUnnamed(step: StepFunction, actions: string[]): void {
  step.function.addToRolePolicy(new PolicyStatement({ actions, resources: ['*'] }));
}
