import type { JsonValue } from './json.ts';

/** `$states.context`, also handed to each task. Times are ISO 8601. */
export interface ContextObject {
  Execution: {
    Id: string;
    Input: JsonValue;
    Name: string;
    RoleArn: string;
    /** How often someone has let it go on after its end. */
    RedriveCount: number;
    StartTime: string;
  };
  StateMachine: { Id: string; Name: string };
  State: { Name: string; EnteredTime: string; RetryCount?: number };
  /** Inside an iteration of a Map. */
  Map?: { Item: { Index: number; Value: JsonValue } };
  /** For a `.waitForTaskToken` resource: a fresh token for each attempt. */
  Task?: { Token: string };
}

/**
 * Does the work of one Task resource. Resolves with a JSON result; throws ExecutionError to fail under a name. `signal` aborts
 * when the attempt timed out or its result is no longer wanted. A resource that waits for a job or an answer tells with `submitted` what it
 * has begun.
 */
export type TaskHandler = (
  args: JsonValue,
  options: { signal: AbortSignal; context: ContextObject; submitted: (output: JsonValue) => void },
) => Promise<unknown>;

/** Time, injectable. `sleep` rejects as soon as its signal aborts. */
export interface Clock {
  now(): number;
  sleep(durationMs: number, signal: AbortSignal): Promise<void>;
}
