import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { DefinitionBody, type IChainable, LogLevel, QueryLanguage, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Aws, type Duration, Fn, RemovalPolicy } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { named } from '../../names.ts';
import type { Step } from '../../step-function.ts';
import { acknowledgeWildcards } from './acknowledge-wildcards.ts';

export interface RunbookProps {
  name: string;
  comment: string;
  start: IChainable;
  timeout: Duration;
  steps: Step[];
}

/**
 * Each log group that Step Functions writes to takes a place in a policy of the account, which has 5,120 characters for all of its workflows; not
 * those below this prefix. The stack's own ID makes the name a new one where the stack is made again, for the old log stays.
 * https://docs.aws.amazon.com/step-functions/latest/dg/bp-cwl.html
 */
function logGroupName(name: string): string {
  // arn:aws:cloudformation:REGION:ACCOUNT:stack/NAME/UUID
  return `/aws/vendedlogs/states/${name}-${Fn.select(2, Fn.split('/', Aws.STACK_ID))}`;
}

/** A runbook's state machine: JSONata, traced, and with every execution's history in a log of its own. */
export function runbookStateMachine(
  scope: Construct,
  { name, comment, start, timeout, steps }: RunbookProps,
): StateMachine {
  const stateMachineName = named(scope, name);
  const stateMachine = new StateMachine(scope, 'StateMachine', {
    stateMachineName,
    comment,
    queryLanguage: QueryLanguage.JSONATA,
    definitionBody: DefinitionBody.fromChainable(start),
    timeout,
    tracingEnabled: true,
    logs: {
      destination: new LogGroup(scope, 'Log', {
        logGroupName: logGroupName(stateMachineName),
        retention: RetentionDays.SIX_MONTHS,
        removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
      }),
      level: LogLevel.ALL,
      includeExecutionData: true,
    },
  });
  acknowledgeWildcards(stateMachine, steps);
  return stateMachine;
}
