import { STILL_RUNNING } from '../core/hosts/run-host-commands.ts';
import type { Invocation } from '../core/remediation/invocation.ts';
import { executionStartedBy } from '../core/remediation/started-execution.ts';
import type { StepRun } from '../core/runbook/step-run.ts';
import { messageOf } from '../core/text/failures.ts';
import type { RecordedEvent } from './recorded.ts';

/** One stay in a state that takes time: a task, or a wait. What is tried again is one stay. */
export interface StateRun extends StepRun {
  /** The state's name. */
  state: string;
  isWait: boolean;
  /** The service that a task calls, `lambda`, and what it asks of it: `updateItem.waitForTaskToken`. */
  resource: string;
  startedAt: Date;
  endedAt: Date | null;
  /** How often the task was begun. */
  attempts: number;
  /** With what each attempt failed, in order. */
  failures: { error: string; cause: string }[];
  /** What the state's output says; undefined where it was not left, or by an error. */
  stateOutput: unknown;
  /** The ARN of the execution that it has started; empty where none. */
  startedExecution: string;
}

/** Each task and each wait, as often as it was entered, in order. */
export function stateRunsIn(events: readonly RecordedEvent[]): StateRun[] {
  const runs: StateRun[] = [];
  /** By their last event: what runs in parallel is distinguished by which event follows which. */
  const open = new Map<number | undefined, StateRun>();
  for (const event of events) {
    const run = isEntered(event) ? newRun(event) : open.get(event.previousEventId);
    if (!run) continue;
    if (isEntered(event)) runs.push(run);
    open.delete(event.previousEventId);
    if (isExited(event)) leave(run, event);
    else open.set(event.id, run);
    note(run, event);
  }
  return runs;
}

/** Those that run a step. */
export function stepRunsIn(events: readonly RecordedEvent[]): StateRun[] {
  return stateRunsIn(events).filter(({ step }) => step !== '');
}

/** Each as it was assigned last. */
export function variablesIn(events: readonly RecordedEvent[]): Record<string, unknown> {
  const assigned = events.flatMap(({ stateExitedEventDetails }) =>
    Object.entries(stateExitedEventDetails?.assignedVariables ?? {}),
  );
  return Object.fromEntries(assigned.map(([name, value]) => [name, JSON.parse(value)]));
}

function isEntered({ type }: RecordedEvent): boolean {
  return type === 'TaskStateEntered' || type === 'WaitStateEntered';
}

function isExited({ type }: RecordedEvent): boolean {
  return type === 'TaskStateExited' || type === 'WaitStateExited';
}

function newRun({ type, timestamp, stateEnteredEventDetails }: RecordedEvent): StateRun {
  return {
    state: stateEnteredEventDetails?.name ?? '',
    isWait: type === 'WaitStateEntered',
    ...{ resource: '', startedAt: timestamp ?? new Date(0), endedAt: null, attempts: 0, failures: [] },
    ...{ stateOutput: undefined, startedExecution: '' },
    ...{ step: '', input: undefined, output: undefined, error: '' },
  };
}

function leave(run: StateRun, { timestamp, stateExitedEventDetails }: RecordedEvent): void {
  run.endedAt = timestamp ?? null;
  run.stateOutput = run.error === '' ? JSON.parse(stateExitedEventDetails?.output ?? 'null') : undefined;
}

function note(run: StateRun, event: RecordedEvent): void {
  const { resource, parameters } = event.taskScheduledEventDetails ?? {};
  if (event.taskScheduledEventDetails) {
    run.resource = resource ?? '';
    run.error = '';
    // A command that still ran was only looked at again.
    if (run.failures.at(-1)?.error === STILL_RUNNING) run.failures.pop();
    else run.attempts += 1;
  }
  const { Payload } = parsed(parameters) as { Payload?: Invocation };
  if (Payload?.step) Object.assign(run, { step: Payload.step, input: Payload.input });
  run.startedExecution ||= executionStartedBy(event) ?? '';
  const { output } = event.taskSucceededEventDetails ?? {};
  if (output !== undefined) run.output = (parsed(output) as { Payload?: unknown }).Payload;
  const failed = event.taskFailedEventDetails ?? event.taskTimedOutEventDetails;
  if (failed) {
    run.error = failed.error ?? 'States.TaskFailed';
    run.failures.push({ error: run.error, cause: messageOf(failed.cause) });
  }
}

function parsed(text = '{}'): object {
  return Object(JSON.parse(text));
}
