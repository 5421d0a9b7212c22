import type { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import type { CfnStateMachine, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Stack, Validations } from 'aws-cdk-lib/core';
import { named } from '../../names.ts';
import type { Step } from '../../step-function.ts';

/** Says why a runbook's role has wildcards: it may invoke each of its functions in any version, and two APIs know no resource. */
export function acknowledgeWildcards(stateMachine: StateMachine, steps: Step[]): void {
  Validations.of(stateMachine.role).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason: "The delivery of Step Functions' log and X-Ray's traces have no resource that a policy could name.",
  });
  for (const { function: invoked } of new Set(steps.map(({ runsIn }) => runsIn))) {
    const logicalId = Stack.of(invoked).getLogicalId(invoked.node.defaultChild as CfnFunction);
    Validations.of(stateMachine.role).acknowledge({
      id: `AwsSolutions-IAM5[Resource::<${logicalId}.Arn>:*]`,
      reason: 'Any version of this one function: an execution goes on with the one that it began with.',
    });
  }
}

/** The same for a workflow that starts others and looks at executions of its own: which one it is, is found out only then. */
export function acknowledgeExecutions(
  stateMachine: StateMachine,
  { own, nested }: { own: string; nested: readonly StateMachine[] },
): void {
  const started = nested.map(({ stack, node }) => {
    const logicalId = stack.getLogicalId(node.defaultChild as CfnStateMachine);
    return `{"Fn::Select":[6,{"Fn::Split":[":",{"Ref":"${logicalId}"}]}]}*`;
  });
  for (const executions of [`${named(stateMachine, own)}:*`, ...started]) {
    Validations.of(stateMachine.role).acknowledge({
      id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:${executions}]`,
      reason: 'Any execution of this one state machine.',
    });
  }
}
