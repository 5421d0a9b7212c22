import { ArnFormat, Stack } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { named } from './names.ts';

/** `i-` is an EC2 instance; `mi-` a machine elsewhere that is registered with Systems Manager. */
export function instanceArn(stack: Stack, host: string): string {
  return host.startsWith('mi-')
    ? stack.formatArn({ service: 'ssm', resource: 'managed-instance', resourceName: host })
    : stack.formatArn({ service: 'ec2', resource: 'instance', resourceName: host });
}

/** Secrets Manager ends each ARN in "-" and six characters of its own, which a reference may leave out. */
export function secretArns(stack: Stack, reference: string): string[] {
  const isArn = reference.startsWith('arn:');
  const arn = isArn
    ? reference
    : stack.formatArn({
        service: 'secretsmanager',
        resource: 'secret',
        resourceName: reference,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      });
  return isArn ? [arn, `${arn}-??????`] : [`${arn}-??????`];
}

/** Any execution of a state machine, by its name: which one it is, is found out only then. */
export function executionArns(scope: Construct, stateMachineName: string): string {
  return Stack.of(scope).formatArn({
    service: 'states',
    resource: 'execution',
    resourceName: `${named(scope, stateMachineName)}:*`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}

/** By its name, where nothing of its stack is imported. */
export function stateMachineArnOf(scope: Construct, name: string): string {
  return Stack.of(scope).formatArn({
    service: 'states',
    resource: 'stateMachine',
    resourceName: named(scope, name),
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}
