import type { JsonObject } from '../../local/asl/json.ts';
import { executionEnded, matches } from '../../local/aws/events.ts';
import { resourcesOf, type Stacks } from './stacks.ts';

type Status = 'SUCCEEDED' | 'FAILED' | 'ABORTED' | 'TIMED_OUT';

/** The logical ID of a state machine, by its name. */
export function stateMachineIdOf({ platform }: Stacks, stateMachineName: string): string {
  const machines = Object.entries(resourcesOf(platform, 'AWS::StepFunctions::StateMachine'));
  const found = machines.find(([, { Properties }]) => Properties.StateMachineName === stateMachineName);
  if (!found) throw new Error(`There is no state machine ${stateMachineName}.`);
  return found[0];
}

/** The properties of every rule that starts a state machine, as CloudFormation has them. */
export function rulesThatStart(stacks: Stacks, stateMachineName: string): Record<string, unknown>[] {
  const id = stateMachineIdOf(stacks, stateMachineName);
  return Object.values(resourcesOf(stacks.platform, 'AWS::Events::Rule'))
    .map(({ Properties }) => Properties)
    .filter(({ Targets }) => JSON.stringify(Targets).includes(`"${id}"`));
}

/** Whether the embedded platform starts a state machine when an execution has ended so. */
export function isStartedAfter(stacks: Stacks, started: string, status: Status, stateMachineName: string): boolean {
  const execution = { stateMachineName, name: 'run-1', input: {}, startedAt: 0 };
  const result =
    status === 'SUCCEEDED' ? { status, output: {}, history: [] } : { status, error: 'Any', cause: 'Any.', history: [] };
  const event: JsonObject = executionEnded(execution, result);
  const rules = stacks.rules.filter(({ targets }) => targets.some(({ arn }) => arn.endsWith(`:${started}`)));
  return rules.some(({ pattern }) => matches(pattern, event));
}
