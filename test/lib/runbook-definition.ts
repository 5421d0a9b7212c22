import { expect } from 'vitest';
import type { State, StateMachineDefinition, TaskState, Workflow } from '../../local/asl/definition.ts';
import { catchers, type NamedState, statesOf, successors, tasksOf } from './definitions.ts';
import { functionOf, type Stacks } from './stacks.ts';

/** One runbook's definition, and what its tests ask of it. */
export interface RunbookDefinition {
  states: NamedState[];
  /** @throws Error where there is no such state */
  stateOf(name: string): NamedState;
  /** Where a state leads, well or by an error. */
  following(name: string): string[];
  /** Where each state leads when all is well. */
  waysOn(): Record<string, string[]>;
  /** Where each state leads that may fail, when it does. */
  waysOfErrors(): Record<string, string[]>;
  /** The states at which the execution ends, and how. */
  ends(): Record<string, State['Type']>;
  /** That the state's task is the function of this step. */
  expectStep(name: string, step: string): void;
}

export function runbookDefinition({ platform }: Stacks, definition: StateMachineDefinition): RunbookDefinition {
  const states = statesOf(definition);
  const byName = <Value>(placed: readonly NamedState[], read: (state: State) => Value): Record<string, Value> =>
    Object.fromEntries(placed.map(({ name, state }) => [name, read(state)]));
  const stateOf = (name: string) => {
    const found = states.find((placed) => placed.name === name);
    if (!found) throw new Error(`There is no state "${name}".`);
    return found;
  };
  return {
    states,
    stateOf,
    following: (name) => {
      const { state } = stateOf(name);
      return [...successors(state), ...catchers(state)];
    },
    waysOn: () => byName(states, successors),
    waysOfErrors: () =>
      byName(
        states.filter(({ state }) => state.Type === 'Task'),
        catchers,
      ),
    ends: () =>
      byName(
        states.filter(({ state }) => successors(state).length === 0),
        ({ Type }) => Type,
      ),
    expectStep: (name, step) => {
      const [logicalId] = functionOf(platform, step);
      const { Arguments } = stateOf(name).state as TaskState;
      expect(Arguments).toMatchObject({
        FunctionName: expect.stringMatching(new RegExp(`:function:${logicalId}$`)),
        Payload: { step },
      });
    },
  };
}

/** What a task gives its step. */
export function payloadOf({ Arguments }: TaskState): Record<string, unknown> {
  return (Arguments as { Payload: { input: Record<string, unknown> } }).Payload.input;
}

/** The host commands that are sent, by the state that sends them. */
export function commandsSent(chain: Workflow): Record<string, unknown> {
  const phases = tasksOf(chain).filter(({ state }) => 'commands' in payloadOf(state));
  return Object.fromEntries(phases.map(({ name, state }) => [name, payloadOf(state).command]));
}

/** A wait of half the confirmation time: three readings then span it. */
export const HALF_THE_CONFIRMATION = { Type: 'Wait', Seconds: '{% $ceil($parameters.confirmSeconds / 2) %}' };
