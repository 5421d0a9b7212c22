import { CfnRole } from 'aws-cdk-lib/aws-iam';
import { Stack } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';

const EVENTS = 'events.amazonaws.com';

interface Trust {
  Statement: { Principal: { Service?: string }; Condition?: object }[];
}

/**
 * Holds the roles by which rules start something to rules of this account. The CDK, which makes these roles, leaves that out, and for other services
 * does not.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/cross-service-confused-deputy-prevention.html
 */
export function trustRulesOfThisAccountAlone(scope: Construct): void {
  const stack = Stack.of(scope);
  for (const role of scope.node.findAll()) {
    if (!(role instanceof CfnRole)) continue;
    const { Statement } = stack.resolve(role.assumeRolePolicyDocument) as Trust;
    for (const [index, { Principal, Condition }] of Statement.entries()) {
      if (Condition || Principal.Service !== EVENTS) continue;
      role.addPropertyOverride(`AssumeRolePolicyDocument.Statement.${index}.Condition`, {
        StringEquals: { 'aws:SourceAccount': stack.account },
      });
    }
  }
}
