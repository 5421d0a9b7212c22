import type { State } from './definition.ts';
import { toExecutionError } from './errors.ts';
import type { Frame, Run } from './frame.ts';
import { inputDetails, outputDetails } from './history.ts';
import { checkPayloadSize, type JsonObject, type JsonValue } from './json.ts';
import { perform } from './perform.ts';
import { findCatcher, RetryPolicy } from './retry.ts';
import { type Outcome, Visit } from './visit.ts';

/** The states whose end by a stop AWS records; the others take no time. */
const ABORTABLE = ['Task', 'Wait', 'Map', 'Parallel'] as const;

/** A state's output, and the state to go on with; undefined where the chain ends. */
export interface Transition {
  output: JsonValue;
  next: string | undefined;
}

/** Runs one state, with its retries and catchers. */
export async function runState(
  run: Run,
  frame: Frame,
  entry: { name: string; state: State; input: JsonValue },
): Promise<Transition> {
  const visit = new Visit(run, frame, entry);
  const { name, state, input } = entry;
  run.history.record(frame.trail, {
    type: `${state.Type}StateEntered`,
    stateEnteredEventDetails: { name, ...inputDetails(input) },
  });
  checkPayloadSize(input, `The input of the state '${name}'`);
  try {
    return await attempt(visit);
  } catch (failure) {
    const abortable = ABORTABLE.find((type) => type === state.Type);
    if (frame.signal.aborted && abortable) run.history.record(frame.trail, { type: `${abortable}StateAborted` });
    throw failure;
  }
}

/** Attempts the state until it succeeds, is caught, or fails for good. */
async function attempt(visit: Visit): Promise<Transition> {
  const { run, frame, state } = visit;
  const retries = new RetryPolicy('Retry' in state ? (state.Retry ?? []) : [], run.random);
  const catchers = 'Catch' in state ? (state.Catch ?? []) : [];
  for (;;) {
    try {
      return await leave(visit, await perform(visit));
    } catch (thrown) {
      frame.signal.throwIfAborted();
      const failure = toExecutionError(thrown);
      const delayMs = retries.nextDelayMs(failure.error);
      if (delayMs === undefined) {
        const catcher = findCatcher(catchers, failure.error);
        if (!catcher) throw failure;
        const errorOutput = { Error: failure.error, Cause: failure.cause };
        return leave(visit, { exit: catcher, output: errorOutput, readable: { errorOutput }, next: catcher.Next });
      }
      await visit.pause(delayMs);
      visit.retryCount += 1;
    }
  }
}

/** Assign and Output are both evaluated before anything is assigned: a state never reads what it assigns itself. */
async function leave(visit: Visit, { exit, output: defaultOutput, readable, next }: Outcome): Promise<Transition> {
  const { run, frame, name, state } = visit;
  const assigned = (await visit.evaluate('Assign', exit.Assign ?? {}, readable)) as JsonObject;
  const output = exit.Output === undefined ? defaultOutput : await visit.evaluate('Output', exit.Output, readable);
  checkPayloadSize(output, `The output of the state '${name}'`);
  Object.assign(frame.variables, assigned);
  // A Fail state is never left; the type does not say so.
  if (state.Type !== 'Fail') {
    run.history.record(frame.trail, {
      type: `${state.Type}StateExited`,
      stateExitedEventDetails: { name, ...outputDetails(output), ...assignedDetails(assigned) },
    });
  }
  return { output, next };
}

function assignedDetails(assigned: JsonObject) {
  const entries = Object.entries(assigned).map(([name, value]) => [name, JSON.stringify(value)] as const);
  if (entries.length === 0) return {};
  return { assignedVariables: Object.fromEntries(entries), assignedVariablesDetails: { truncated: false } };
}
