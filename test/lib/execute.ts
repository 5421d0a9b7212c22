import { ERROR_NAMES } from '../../core/errors.ts';
import { reportsOf } from '../../core/hosts/host-reports.ts';
import { STILL_RUNNING } from '../../core/hosts/run-host-commands.ts';
import { executionArn } from '../../local/asl/arn.ts';
import type { StateMachineDefinition } from '../../local/asl/definition.ts';
import { ExecutionError } from '../../local/asl/errors.ts';
import { type ExecutionResult, runExecution } from '../../local/asl/execution.ts';
import type { JsonObject, JsonValue } from '../../local/asl/json.ts';
import type { TaskHandler } from '../../local/asl/types.ts';
import { type Page, publishTo } from '../../local/aws/sns.ts';
import { INVOKE, virtualClock } from '../local/asl/harness.ts';
import { ASK, DESCRIBE, HISTORY, PUBLISH, RUN, START } from './definitions.ts';
import { DYNAMODB, LockTable } from './lock-table.ts';

/** Far more than any test needs. Time that passes at once gives no other way to end a definition that goes round in a circle. */
const MAX_CALLS = 500;

export interface Call {
  /** The state that runs the step, starts the execution or looks at one. */
  step: string;
  /** Of a phase on hosts, one call for each host: its command, with what the step is told of all. */
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
  stateMachineName?: string;
  name?: string;
  input: JsonValue;
  answers: Readonly<Record<string, unknown>>;
  topics?: string[];
  table?: LockTable;
}

/**
 * Runs a definition with steps that answer from `answers`, by the state's name: an output, an error, a list of these for one call
 * after the other, or a function of the step's input that returns one of these. Of a phase on hosts it is the result of one host's command; an error
 * that a command may end with is one host's, and any other the step's. A page to one of `topics` is sent, and a call of `table` made, unless
 * its state's answer is an error. A runbook's answer is its output; a question's is what ends the wait, which no answer leaves to its timeout.
 * Time passes at once.
 */
export async function execute(
  definition: StateMachineDefinition,
  { stateMachineName = 'sample', name = 'run-1', input, answers, topics = [], table = new LockTable() }: ExecuteOptions,
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
  const called = (step: string, input: JsonValue) => {
    calls.push({ step, input });
    if (calls.length > MAX_CALLS) throw new ExecutionError('TooManyCalls', `"${step}" is call ${calls.length}.`);
    const next = answerOf(step, input);
    if (next === undefined) throw new ExecutionError('NoAnswer', `The test has no answer for "${step}".`);
    return next;
  };
  const ended = await runExecution({
    definition,
    input,
    name,
    stateMachineName,
    clock,
    random: () => 0.5,
    tasks: {
      [INVOKE]: async (args, { context }) => {
        const { input } = (args as { Payload: { input: JsonValue } }).Payload;
        const { commands, ...phase } = Object(input) as JsonObject;
        const answer = Array.isArray(commands)
          ? onEachHost(commands as HostCommands, (command) => called(context.State.Name, { ...phase, ...command }))
          : called(context.State.Name, input);
        return { StatusCode: 200, Payload: answer };
      },
      [PUBLISH]: async (args, task) => {
        answerOf(task.context.State.Name, args);
        return publish(args, task);
      },
      [RUN]: async (args, { context }) => {
        const { StateMachineArn, Input } = args as { StateMachineArn: string; Input: JsonValue };
        const Output = called(context.State.Name, Input);
        return { ExecutionArn: executionArn(StateMachineArn.split(':').at(-1) ?? '', 'nested'), Output };
      },
      [START]: async (args, { context }) => {
        const { StateMachineArn, Input } = args as { StateMachineArn: string; Input: JsonValue };
        called(context.State.Name, Input);
        return { ExecutionArn: executionArn(StateMachineArn.split(':').at(-1) ?? '', 'next'), StartDate: clock.now() };
      },
      [DESCRIBE]: async (args, { context }) => called(context.State.Name, args),
      [HISTORY]: async (args, { context }) => called(context.State.Name, args),
      ...Object.fromEntries(
        ['getItem', 'putItem', 'updateItem', 'deleteItem'].map((action): [string, TaskHandler] => [
          `${DYNAMODB}${action}`,
          async (args, { context }) => {
            answerOf(context.State.Name, args);
            return table.call(action, args);
          },
        ]),
      ),
      [ASK]: async (args, { context }) => {
        table.call('updateItem', args);
        // Nobody answers: the state's own timeout ends it.
        return answerOf(context.State.Name, args) ?? new Promise(() => undefined);
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

type HostCommands = (JsonObject & { member: string; host: string })[];

/** What run-host-commands and transfer-snapshots make of it. */
function onEachHost(commands: HostCommands, run: (command: JsonObject) => unknown): JsonValue {
  const ends = commands.map((command) => {
    const { member, host } = command;
    try {
      return { member, host, end: { result: run(command) } };
    } catch (error) {
      if (!(error instanceof ExecutionError) || !OF_ONE_HOST.includes(error.error)) throw error;
      const { errorMessage: message, done } = JSON.parse(error.cause);
      return { member, host, end: { error: { name: error.error, message }, done } };
    }
  });
  return JSON.parse(JSON.stringify(reportsOf(ends, () => '')));
}

/** What one command ends with; SSM that does not answer is an error of the step. */
const OF_ONE_HOST: readonly string[] = Object.keys(ERROR_NAMES).filter((name) => name !== ERROR_NAMES.AwsUnavailable);

/** Commands of a phase still run: the step has to be asked again. */
export const RUNNING = failure(STILL_RUNNING, 'control-service has not ended on node1.');

/**
 * The failure of a Lambda function, as Step Functions gets it.
 * @param done of one host's command: what it had changed before
 */
export function failure(errorType: string, errorMessage: string, done?: object): ExecutionError {
  return new ExecutionError(errorType, JSON.stringify({ errorType, errorMessage, trace: ['at x'], done }));
}
