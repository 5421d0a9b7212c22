import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { executionArn, roleArn, stateMachineArn } from './arn.ts';
import { systemClock } from './clock.ts';
import type { StateMachineDefinition } from './definition.ts';
import { checkDefinition } from './definition.ts';
import { ExecutionError, toExecutionError } from './errors.ts';
import { stepFunctionsFunctions } from './functions.ts';
import { errorDetails, HistoryRecorder, inputDetails, outputDetails, Trail } from './history.ts';
import type { JsonValue } from './json.ts';
import type { Clock, TaskHandler } from './types.ts';
import { runWorkflow } from './workflow.ts';

export interface ExecutionOptions {
  /** Checked before anything runs: rejects with `UnsupportedDefinition`. */
  definition: unknown;
  input: JsonValue;
  /** Of the execution, unique within its state machine. */
  name: string;
  stateMachineName: string;
  /** By the Resource of the Task states they serve, such as `arn:aws:states:::lambda:invoke`. */
  tasks: Readonly<Record<string, TaskHandler>>;
  clock?: Clock;
  /** From 0 up to 1, for retry jitter and `$random()`. */
  random?: () => number;
  /** Stops the execution. An ExecutionError as its reason gives error and cause. */
  signal?: AbortSignal;
  /** Told of each history event when it happens. */
  onEvent?: (event: HistoryEvent) => void;
}

/** Error and cause are empty where the execution gave none. */
export type ExecutionResult = { history: HistoryEvent[] } & (
  | { status: 'SUCCEEDED'; output: JsonValue }
  | { status: 'FAILED' | 'TIMED_OUT' | 'ABORTED'; error: string; cause: string }
);

/** Runs a state machine to its end as AWS Step Functions would. However it ends, that is a result, not a rejection. */
export async function runExecution(options: ExecutionOptions): Promise<ExecutionResult> {
  const { input, name, stateMachineName, tasks, clock = systemClock, random = Math.random } = options;
  const definition = checkDefinition(options.definition, Object.keys(tasks));
  const history = new HistoryRecorder(() => clock.now(), options.onEvent);
  const run = { tasks, clock, random, history, functions: stepFunctionsFunctions(clock, random) };
  const context = {
    Execution: {
      Id: executionArn(stateMachineName, name),
      Input: input,
      Name: name,
      RoleArn: roleArn(stateMachineName),
      // Nothing is redriven here.
      RedriveCount: 0,
      StartTime: new Date(clock.now()).toISOString(),
    },
    StateMachine: {
      Id: stateMachineArn(stateMachineName),
      Name: stateMachineName,
    },
  };
  // AWS gives the first state of a machine, like the start itself, 0 as its previous event.
  const trail = new Trail();
  history.recordAside(trail, { type: 'ExecutionStarted', executionStartedEventDetails: inputDetails(input) });

  const deadline = startDeadline(definition, clock);
  const signal = AbortSignal.any([deadline.signal, ...(options.signal ? [options.signal] : [])]);
  try {
    const output = await runWorkflow(run, { workflow: definition, variables: {}, context, trail, signal }, input);
    history.record(trail, { type: 'ExecutionSucceeded', executionSucceededEventDetails: outputDetails(output) });
    return { status: 'SUCCEEDED', output, history: history.events };
  } catch (thrown) {
    const interrupted = signal.aborted && thrown === signal.reason;
    if (!interrupted) return end('FAILED', toExecutionError(thrown));
    return deadline.signal.reason === thrown
      ? end('TIMED_OUT', toExecutionError(thrown))
      : end('ABORTED', abortError(thrown));
  } finally {
    deadline.cancel();
  }

  function end(status: 'FAILED' | 'TIMED_OUT' | 'ABORTED', error: ExecutionError): ExecutionResult {
    const details = errorDetails(error);
    if (status === 'FAILED') {
      history.record(trail, { type: 'ExecutionFailed', executionFailedEventDetails: details });
    } else if (status === 'TIMED_OUT') {
      history.record(trail, { type: 'ExecutionTimedOut', executionTimedOutEventDetails: details });
    } else {
      history.record(trail, { type: 'ExecutionAborted', executionAbortedEventDetails: details });
    }
    return { status, error: error.error, cause: error.cause, history: history.events };
  }
}

/** The machine's own TimeoutSeconds, as a signal. */
function startDeadline({ TimeoutSeconds }: StateMachineDefinition, clock: Clock) {
  const expiry = new AbortController();
  const done = new AbortController();
  if (TimeoutSeconds !== undefined) {
    clock.sleep(TimeoutSeconds * 1000, done.signal).then(
      () => expiry.abort(new ExecutionError('States.Timeout')),
      () => undefined,
    );
  }
  return { signal: expiry.signal, cancel: () => done.abort() };
}

function abortError(reason: unknown): ExecutionError {
  if (reason instanceof ExecutionError) return reason;
  return new ExecutionError('', reason instanceof Error ? reason.message : String(reason));
}
