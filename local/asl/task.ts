import { randomUUID } from 'node:crypto';
import { interruptible } from './concurrency.ts';
import type { TaskState } from './definition.ts';
import { ExecutionError, toExecutionError } from './errors.ts';
import { errorDetails, outputDetails, resourceDetails } from './history.ts';
import { checkPayloadSize, type JsonValue } from './json.ts';
import type { TaskHandler } from './types.ts';
import type { Outcome, Visit } from './visit.ts';

export async function performTask(visit: Visit, state: TaskState): Promise<Outcome> {
  const { run, frame, name, input } = visit;
  if (state.Resource.endsWith('.waitForTaskToken')) visit.taskToken = randomUUID();
  const args = state.Arguments === undefined ? input : await visit.evaluate('Arguments', state.Arguments);
  checkPayloadSize(args, `Arguments of the state '${name}'`);
  const timeoutSeconds =
    state.TimeoutSeconds === undefined
      ? undefined
      : await visit.evaluateAs('TimeoutSeconds', state.TimeoutSeconds, isDuration, 'a positive whole number');

  const resource = resourceDetails(state.Resource);
  run.history.record(frame.trail, {
    type: 'TaskScheduled',
    taskScheduledEventDetails: {
      ...resource,
      region: 'local',
      parameters: JSON.stringify(args),
      ...(timeoutSeconds !== undefined && { timeoutInSeconds: timeoutSeconds }),
    },
  });
  run.history.record(frame.trail, { type: 'TaskStarted', taskStartedEventDetails: resource });
  try {
    const submitted = (output: JsonValue) => {
      const details = { ...resource, ...outputDetails(output) };
      run.history.record(frame.trail, { type: 'TaskSubmitted', taskSubmittedEventDetails: details });
    };
    const result = await callHandler(visit, run.tasks[state.Resource] as TaskHandler, args, {
      timeoutSeconds,
      submitted,
    });
    const details = { ...resource, ...outputDetails(result) };
    run.history.record(frame.trail, { type: 'TaskSucceeded', taskSucceededEventDetails: details });
    return { exit: state, output: result, readable: { result }, next: state.Next };
  } catch (thrown) {
    frame.signal.throwIfAborted();
    recordFailure(visit, resource, toExecutionError(thrown));
    throw thrown;
  }
}

/** One call of the handler, cut off when its time is up or the state is stopped, even if the handler goes on. */
async function callHandler(
  { run, frame, context, name }: Visit,
  handler: TaskHandler,
  args: JsonValue,
  { timeoutSeconds, submitted }: { timeoutSeconds: number | undefined; submitted: (output: JsonValue) => void },
): Promise<JsonValue> {
  const call = new AbortController();
  const signal = AbortSignal.any([call.signal, frame.signal]);
  if (timeoutSeconds !== undefined) {
    run.clock.sleep(timeoutSeconds * 1000, signal).then(
      () => call.abort(new ExecutionError('States.Timeout')),
      () => undefined,
    );
  }
  try {
    const result = (await interruptible(handler(args, { signal, context, submitted }), signal)) ?? null;
    // A JSON copy: what the handler keeps of its result can no longer change the execution.
    const output: JsonValue = JSON.parse(JSON.stringify(result));
    checkPayloadSize(output, `The result of the state '${name}'`);
    return output;
  } finally {
    call.abort();
  }
}

function recordFailure({ run, frame }: Visit, resource: ReturnType<typeof resourceDetails>, failure: ExecutionError) {
  const details = { ...resource, ...errorDetails(failure) };
  if (failure.error === 'States.Timeout') {
    run.history.record(frame.trail, { type: 'TaskTimedOut', taskTimedOutEventDetails: details });
  } else {
    run.history.record(frame.trail, { type: 'TaskFailed', taskFailedEventDetails: details });
  }
}

function isDuration(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0;
}
