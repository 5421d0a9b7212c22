import { type IChainable, LogLevel, QueryLanguage, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Duration } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { Logs } from '../../logs.ts';
import { named } from '../../names.ts';
import type { Step } from '../../step-function.ts';
import { acknowledgeWildcards } from './acknowledge-wildcards.ts';
import { DefinitionFile } from './definition-file.ts';

export interface RunbookProps {
  name: string;
  comment: string;
  start: IChainable;
  timeout: Duration;
  steps: Step[];
}

/** A runbook's state machine: JSONata, traced, and with every execution's history in the log of all workflows. */
export function runbookStateMachine(
  scope: Construct,
  { name, comment, start, timeout, steps }: RunbookProps,
): StateMachine {
  const definition = new DefinitionFile(start);
  const stateMachine = new StateMachine(scope, 'StateMachine', {
    stateMachineName: named(scope, name),
    comment,
    queryLanguage: QueryLanguage.JSONATA,
    definitionBody: definition,
    definitionSubstitutions: definition.substitutions,
    timeout,
    tracingEnabled: true,
    logs: { destination: Logs.of(scope).workflows, level: LogLevel.ALL, includeExecutionData: true },
  });
  acknowledgeWildcards(stateMachine, steps);
  return stateMachine;
}
