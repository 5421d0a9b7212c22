import type { HistoryEvent, HistoryEventType } from '@aws-sdk/client-sfn';
import type { ExecutionError } from './errors.ts';
import type { JsonValue } from './json.ts';

/** An event without what the recorder fills in. */
type NewEvent = Omit<HistoryEvent, 'id' | 'previousEventId' | 'timestamp' | 'type'> & { type: HistoryEventType };

/** The last event of one line of execution. Branches and iterations each go on from where their state started. */
export class Trail {
  lastEventId: number;

  constructor(lastEventId = 0) {
    this.lastEventId = lastEventId;
  }
}

/** Writes an execution down in the shape of GetExecutionHistory, and passes each event to a listener as it happens. */
export class HistoryRecorder {
  readonly events: HistoryEvent[] = [];
  readonly #now: () => number;
  readonly #onEvent: ((event: HistoryEvent) => void) | undefined;

  constructor(now: () => number, onEvent?: (event: HistoryEvent) => void) {
    this.#now = now;
    this.#onEvent = onEvent;
  }

  record(trail: Trail, event: NewEvent): void {
    trail.lastEventId = this.recordAside(trail, event);
  }

  /** An event that the trail does not go on from: as in AWS, the next one names the same predecessor. */
  recordAside(trail: Trail, event: NewEvent): number {
    const id = this.events.length + 1;
    const recorded = { timestamp: new Date(this.#now()), id, previousEventId: trail.lastEventId, ...event };
    this.events.push(recorded);
    this.#onEvent?.(recorded);
    return id;
  }
}

const UNTRUNCATED = { truncated: false };

export function inputDetails(input: JsonValue) {
  return { input: JSON.stringify(input), inputDetails: UNTRUNCATED };
}

export function outputDetails(output: JsonValue) {
  return { output: JSON.stringify(output), outputDetails: UNTRUNCATED };
}

/** Error and cause, each left out when empty. */
export function errorDetails({ error, cause }: ExecutionError) {
  return { ...(error && { error }), ...(cause && { cause }) };
}

/** `arn:aws:states:::aws-sdk:dynamodb:putItem` is resource `putItem` of the type `aws-sdk:dynamodb`. */
export function resourceDetails(resourceArn: string) {
  const integration = resourceArn.split(':').slice(5);
  // ".sync:2" is a part of the last name, not a name of its own.
  const lastName = integration.at(-1) === '2' ? -2 : -1;
  return {
    resourceType: integration.slice(0, lastName).join(':'),
    resource: integration.slice(lastName).join(':'),
  };
}
