import type { HistoryEvent } from '@aws-sdk/client-sfn';
import type { Invocation } from '../core/remediation/invocation.ts';
import type { StepRun } from '../core/runbook/step-run.ts';

/** Each state that runs a step, as often as it was entered, in order; what is tried again is one run. */
export function stepRunsIn(events: readonly HistoryEvent[]): StepRun[] {
  const runs: StepRun[] = [];
  /** By their last event: what runs in parallel is told apart by which event follows which. */
  const open = new Map<number | undefined, StepRun>();
  for (const event of events) {
    const run = event.type === 'TaskStateEntered' ? newRun() : open.get(event.previousEventId);
    if (!run) continue;
    open.delete(event.previousEventId);
    if (event.type !== 'TaskStateExited') open.set(event.id, run);
    const { Payload } = parsed(event.taskScheduledEventDetails?.parameters) as { Payload?: Invocation };
    if (Payload?.step) {
      if (run.step === '') runs.push(run);
      Object.assign(run, { step: Payload.step, input: Payload.input, error: '' });
    }
    const { output } = event.taskSucceededEventDetails ?? {};
    if (output !== undefined) run.output = (parsed(output) as { Payload?: unknown }).Payload;
    const { error } = event.taskFailedEventDetails ?? {};
    if (error !== undefined) run.error = error;
  }
  return runs;
}

function newRun(): StepRun {
  return { step: '', input: undefined, output: undefined, error: '' };
}

/** Each as it was assigned last. */
export function variablesIn(events: readonly HistoryEvent[]): Record<string, unknown> {
  const assigned = events.flatMap(({ stateExitedEventDetails }) =>
    Object.entries(stateExitedEventDetails?.assignedVariables ?? {}),
  );
  return Object.fromEntries(assigned.map(([name, value]) => [name, JSON.parse(value)]));
}

function parsed(text = '{}'): object {
  return Object(JSON.parse(text));
}
