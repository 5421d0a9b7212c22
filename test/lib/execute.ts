import { ExecutionError } from '../../local/asl/errors.ts';
import { type ExecutionResult, runExecution } from '../../local/asl/execution.ts';
import type { JsonValue } from '../../local/asl/json.ts';
import type { StateMachineDefinition } from '../../local/asl/types.ts';
import { INVOKE, virtualClock } from '../local/asl/harness.ts';

/** Far more than any test needs. Time that passes at once gives no other way to end a definition that goes round in a circle. */
const MAX_CALLS = 500;

export interface Call {
  /** The state that runs the step. */
  step: string;
  input: JsonValue;
}

export interface Executed {
  ended: ExecutionResult;
  calls: Call[];
  /** Every state that was entered, in order. */
  visited: string[];
  /** What was waited for, in order: Wait states, and delays before another try. */
  waitsMs: number[];
}

/**
 * Runs a definition with steps that answer from `answers`, by the state's name: an output, an error, a list of these for one call
 * after the other, or a function of the step's input that returns one of these. Time passes at once.
 */
export async function execute(
  definition: StateMachineDefinition,
  { name = 'run-1', input, answers }: { name?: string; input: JsonValue; answers: Readonly<Record<string, unknown>> },
): Promise<Executed> {
  const calls: Call[] = [];
  const clock = virtualClock();
  // A list is used up, and the caller may want to use it again.
  const left = new Map(
    Object.entries(answers).map(([step, answer]) => [step, Array.isArray(answer) ? [...answer] : answer]),
  );
  const ended = await runExecution({
    definition,
    input,
    name,
    stateMachineName: 'sample',
    clock,
    random: () => 0.5,
    tasks: {
      [INVOKE]: async (args, { context }) => {
        const { Payload } = args as { Payload: JsonValue };
        const step = context.State.Name;
        calls.push({ step, input: Payload });
        if (calls.length > MAX_CALLS) throw new ExecutionError('TooManyCalls', `"${step}" is call ${calls.length}.`);
        const answer = left.get(step);
        const next = Array.isArray(answer) ? answer.shift() : typeof answer === 'function' ? answer(Payload) : answer;
        if (next === undefined) throw new ExecutionError('NoAnswer', `The test has no answer for "${step}".`);
        if (next instanceof Error) throw next;
        return { StatusCode: 200, Payload: next };
      },
    },
  });
  return {
    ended,
    calls,
    visited: ended.history.flatMap(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name ?? []),
    // The first sleeper is the limit of the whole execution.
    waitsMs: clock.sleeps.slice(1),
  };
}

/** The failure of a Lambda function, as Step Functions gets it. */
export function failure(errorType: string, errorMessage: string): ExecutionError {
  return new ExecutionError(errorType, JSON.stringify({ errorType, errorMessage, trace: ['at x'] }));
}
