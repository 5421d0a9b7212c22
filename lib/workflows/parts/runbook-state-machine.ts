import { type Duration, RemovalPolicy } from 'aws-cdk-lib';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { DefinitionBody, type IChainable, LogLevel, QueryLanguage, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { StepFunction } from '../../step-function.ts';
import { acknowledgeWildcards } from './acknowledge-wildcards.ts';

export interface RunbookProps {
  name: string;
  comment: string;
  start: IChainable;
  timeout: Duration;
  steps: StepFunction[];
}

/** A runbook's state machine: JSONata, traced, and with every execution's history in a log of its own. */
export function runbookStateMachine(
  scope: Construct,
  { name, comment, start, timeout, steps }: RunbookProps,
): StateMachine {
  const stateMachine = new StateMachine(scope, 'StateMachine', {
    stateMachineName: name,
    comment,
    queryLanguage: QueryLanguage.JSONATA,
    definitionBody: DefinitionBody.fromChainable(start),
    timeout,
    tracingEnabled: true,
    logs: {
      destination: new LogGroup(scope, 'Log', {
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
