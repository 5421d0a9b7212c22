import type { RecordedEnd, RecordedEvent, RecordedExecution } from '../../report/recorded.ts';

/** Executions as Step Functions would have recorded them, written down state by state. */

const BEGIN = Date.parse('2026-03-01T03:00:00.000Z');

export function at(seconds: number): string {
  return new Date(BEGIN + seconds * 1000).toISOString();
}

interface State {
  state: string;
  /** Seconds since the beginning. */
  from: number;
  to?: number;
  /** Of a step: its name, input and output. */
  step?: string;
  input?: unknown;
  output?: unknown;
  /** The errors of the attempts before the last, and of the last; each with a message. */
  failures?: readonly (readonly [error: string, message: string])[];
  /** Of another task. */
  resource?: string;
  /** Of one that starts an execution. */
  starts?: string;
  /** What the state says. */
  said?: unknown;
  assigned?: Record<string, unknown>;
  wait?: true;
}

function eventsOf(states: readonly State[]): RecordedEvent[] {
  const events: RecordedEvent[] = [];
  const add = (seconds: number, event: Omit<RecordedEvent, 'id' | 'previousEventId' | 'timestamp'>) => {
    const id = events.length + 1;
    events.push({ id, previousEventId: id - 1, timestamp: new Date(BEGIN + seconds * 1000), ...event });
  };
  add(0, { type: 'ExecutionStarted' });
  for (const {
    state,
    from,
    to,
    step,
    input,
    output,
    failures = [],
    resource,
    starts,
    said,
    assigned,
    wait,
  } of states) {
    const kind = wait ? 'Wait' : 'Task';
    add(from, { type: `${kind}StateEntered`, stateEnteredEventDetails: { name: state } });
    const schedule = () =>
      add(from, {
        type: 'TaskScheduled',
        taskScheduledEventDetails: {
          resource: resource ?? (starts ? 'startExecution.sync:2' : 'invoke'),
          parameters: JSON.stringify(step ? { Payload: { step, input } } : {}),
        },
      });
    if (!wait) schedule();
    for (const [index, [error, message]] of failures.entries()) {
      const isLast = index === failures.length - 1 && output === undefined;
      add(isLast ? (to ?? from) : from, {
        type: 'TaskFailed',
        taskFailedEventDetails: { error, cause: JSON.stringify({ errorMessage: message }) },
      });
      if (!isLast) schedule();
    }
    if (starts) {
      const submitted = JSON.stringify({ ExecutionArn: starts });
      add(from, {
        type: 'TaskSubmitted',
        taskSubmittedEventDetails: { resource: 'startExecution.sync:2', output: submitted },
      });
    }
    if (to === undefined) break;
    if (output !== undefined) {
      add(to, { type: 'TaskSucceeded', taskSucceededEventDetails: { output: JSON.stringify({ Payload: output }) } });
    }
    const variables = Object.entries(assigned ?? {}).map(([name, value]) => [name, JSON.stringify(value)]);
    add(to, {
      type: `${kind}StateExited`,
      stateExitedEventDetails: {
        output: JSON.stringify(said ?? output ?? {}),
        assignedVariables: Object.fromEntries(variables),
      },
    });
  }
  return events;
}

export function executionOf(
  stateMachineName: string,
  { name = 'an-id', input = {}, until = 60, end }: { name?: string; input?: unknown; until?: number; end: RecordedEnd },
  ...states: State[]
): RecordedExecution {
  return {
    arn: arnOf(stateMachineName, name),
    ...{ name, stateMachineName, input, end },
    startedAt: new Date(BEGIN),
    endedAt: end.status === 'RUNNING' ? null : new Date(BEGIN + until * 1000),
    events: eventsOf(states),
  };
}

export function arnOf(stateMachineName: string, name: string): string {
  return `arn:aws:states:eu-central-1:123456789012:execution:${stateMachineName}:${name}`;
}

export function succeeded(output: Record<string, unknown>): RecordedEnd {
  return { status: 'SUCCEEDED', output };
}

export function failed(error: string, cause: string): RecordedEnd {
  return { status: 'FAILED', error, cause };
}
