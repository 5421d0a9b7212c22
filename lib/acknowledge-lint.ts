import type { Stack } from 'aws-cdk-lib/core';

/**
 * What cfn-lint says of every template of the CDK, and why that may stay. W3005: the CDK lets a function or a state machine wait for its role's policies,
 * and names the role itself in the same list, which it refers to already.
 */
const ACKNOWLEDGED = ['W3005'];

/** cfn-lint reads this from the template. https://github.com/aws-cloudformation/cfn-lint#metadata */
export function acknowledgeLint(stack: Stack): void {
  stack.templateOptions.metadata = { 'cfn-lint': { config: { ignore_checks: ACKNOWLEDGED } } };
}
