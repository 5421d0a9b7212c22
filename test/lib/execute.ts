import { ExecutionError } from '../../local/asl/errors.ts';
import { type ExecutionResult, runExecution } from '../../local/asl/execution.ts';
import type { JsonValue } from '../../local/asl/json.ts';
import type { StateMachineDefinition } from '../../local/asl/types.ts';
import { type Page, publishTo } from '../../local/aws/sns.ts';
import { INVOKE, virtualClock } from '../local/asl/harness.ts';
import { PUBLISH } from './definitions.ts';

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
  pages: Page[];
  /** Every state that was entered, in order. */
  visited: string[];
  /** What was waited for, in order: Wait states, and delays before another try. */
  waitsMs: number[];
}

interface ExecuteOptions {
  name?: string;
  input: JsonValue;
  answers: Readonly<Record<string, unknown>>;
  topics?: string[];
}

/**
 * Runs a definition with steps that answer from `answers`, by the state's name: an output, an error, a list of these for one call
 * after the other, or a function of the step's input that returns one of these. A page to one of `topics` is sent, unless its state's
 * answer is an error. Time passes at once.
 */
export async function execute(
  definition: StateMachineDefinition,
  { name = 'run-1', input, answers, topics = [] }: ExecuteOptions,
): Promise<Executed> {
  const calls: Call[] = [];
  const pages: Page[] = [];
  const publish = publishTo(topics, (page) => pages.push(page));
  const clock = virtualClock();
  // A list is used up, and the caller may want to use it again.
  const left = new Map(
    Object.entries(answers).map(([step, answer]) => [step, Array.isArray(answer) ? [...answer] : answer]),
  );
  const answerOf = (state: string, input: JsonValue) => {
    const answer = left.get(state);
    const next = Array.isArray(answer) ? answer.shift() : typeof answer === 'function' ? answer(input) : answer;
    if (next instanceof Error) throw next;
    return next;
  };
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
        const next = answerOf(step, Payload);
        if (next === undefined) throw new ExecutionError('NoAnswer', `The test has no answer for "${step}".`);
        return { StatusCode: 200, Payload: next };
      },
      [PUBLISH]: async (args, task) => {
        answerOf(task.context.State.Name, args);
        return publish(args, task);
      },
    },
  });
  return {
    ended,
    calls,
    pages,
    visited: ended.history.flatMap(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name ?? []),
    // The first sleeper is the limit of the whole execution.
    waitsMs: clock.sleeps.slice(1),
  };
}

/** The failure of a Lambda function, as Step Functions gets it. */
export function failure(errorType: string, errorMessage: string): ExecutionError {
  return new ExecutionError(errorType, JSON.stringify({ errorType, errorMessage, trace: ['at x'] }));
}
