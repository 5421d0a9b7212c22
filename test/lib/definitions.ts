import type { Retrier, State, TaskState, Workflow } from '../../local/asl/definition.ts';
import { INVOKE } from '../local/asl/harness.ts';
import { DYNAMODB } from './lock-table.ts';

export const PUBLISH = 'arn:aws:states:::sns:publish';
export const START = 'arn:aws:states:::states:startExecution';
export const RUN = `${START}.sync:2`;
export const DESCRIBE = 'arn:aws:states:::aws-sdk:sfn:describeExecution';
/** What an alarm was before. */
export const HISTORY = 'arn:aws:states:::aws-sdk:cloudwatch:describeAlarmHistory';
/** Sets the question in the lock, and waits for its answer. */
export const ASK = `${DYNAMODB}updateItem.waitForTaskToken`;
const CALLS_OF_AWS = [
  ...['getItem', 'putItem', 'updateItem', 'deleteItem'].map((action) => `${DYNAMODB}${action}`),
  ...[ASK, RUN, START, DESCRIBE],
];
/** What there is to a Task state. */
export const RESOURCES = [INVOKE, PUBLISH, HISTORY, ...CALLS_OF_AWS];

/** A state by its name. */
export interface NamedState {
  name: string;
  state: State;
}

/** Every state of a definition. */
export function statesOf(chain: Workflow): NamedState[] {
  return Object.entries(chain.States).map(([name, state]) => {
    if (state.Type === 'Map' || state.Type === 'Parallel') throw new Error(`Look into ${name} too.`);
    return { name, state };
  });
}

type NamedTask = NamedState & { state: TaskState };

/** The states that run a step; the others page a person, or call AWS: {@link pagesOf}, {@link callsOfAws}. */
export function tasksOf(chain: Workflow): NamedTask[] {
  return taskStatesOf(chain).filter(({ state }) => state.Resource === INVOKE);
}

export function pagesOf(chain: Workflow): NamedTask[] {
  return taskStatesOf(chain).filter(({ state }) => state.Resource === PUBLISH);
}

/** The states that work with the table of remediations or with executions. */
export function callsOfAws(chain: Workflow): NamedTask[] {
  return taskStatesOf(chain).filter(({ state }) => CALLS_OF_AWS.includes(state.Resource));
}

function taskStatesOf(chain: Workflow): NamedTask[] {
  const tasks = statesOf(chain).filter((named): named is NamedTask => named.state.Type === 'Task');
  const other = tasks.find(({ state }) => !RESOURCES.includes(state.Resource));
  if (other) throw new Error(`Look at "${other.name}", a task of another kind, too.`);
  return tasks;
}

/** Where a state goes on when all is well. */
export function successors(state: State): string[] {
  if (state.Type === 'Choice')
    return [...state.Choices.map(({ Next }) => Next), ...(state.Default ? [state.Default] : [])];
  return 'Next' in state && state.Next ? [state.Next] : [];
}

/** Where a state goes on when it fails. */
export function catchers(state: State): string[] {
  return 'Catch' in state ? (state.Catch ?? []).map(({ Next }) => Next) : [];
}

/** The states of one chain to which some way leads from the given ones, those included. */
export function reachableFrom(start: readonly string[], next: (name: string) => readonly string[]): Set<string> {
  const reached = new Set(start);
  // A set goes on to what is added to it meanwhile.
  for (const name of reached) for (const other of next(name)) reached.add(other);
  return reached;
}

/** How long the first retrier that knows the error waits in all, in seconds, before it gives up. */
export function secondsOfRetries(retriers: readonly Retrier[], error: string): number {
  const retrier = retriers.find(({ ErrorEquals }) => ErrorEquals.includes(error));
  if (!retrier) return 0;
  const { IntervalSeconds = 1, BackoffRate = 2, MaxDelaySeconds = Infinity, MaxAttempts = 3 } = retrier;
  let seconds = 0;
  for (let retry = 0; retry < MaxAttempts; retry++) {
    seconds += Math.min(IntervalSeconds * BackoffRate ** retry, MaxDelaySeconds);
  }
  return seconds;
}
