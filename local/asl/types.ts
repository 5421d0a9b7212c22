/** The part of the Amazon States Language, in its JSONata flavour, that this runner implements. */

import type { JsonObject, JsonValue } from './json.ts';

/** A chain of states: a whole state machine, a branch of a Parallel, or the item processor of a Map. */
export interface Workflow {
  StartAt: string;
  States: Record<string, State>;
}

/** A definition that passed `checkDefinition`. */
export interface StateMachineDefinition extends Workflow {
  QueryLanguage: 'JSONata';
  TimeoutSeconds?: number;
}

/** What is evaluated when a state is left. */
export interface Exit {
  Assign?: JsonObject;
  Output?: JsonValue;
}

export interface Retrier {
  ErrorEquals: string[];
  IntervalSeconds?: number;
  BackoffRate?: number;
  MaxDelaySeconds?: number;
  MaxAttempts?: number;
  JitterStrategy?: 'FULL' | 'NONE';
}

export interface Catcher extends Exit {
  ErrorEquals: string[];
  Next: string;
}

interface ChoiceRule extends Exit {
  Condition: string;
  Next: string;
}

interface Continuing extends Exit {
  Next?: string;
}

interface Recovering extends Continuing {
  Retry?: Retrier[];
  Catch?: Catcher[];
}

interface PassState extends Continuing {
  Type: 'Pass';
}

export interface TaskState extends Recovering {
  Type: 'Task';
  Resource: string;
  Arguments?: JsonValue;
  TimeoutSeconds?: number | string;
}

export interface ChoiceState extends Exit {
  Type: 'Choice';
  Choices: ChoiceRule[];
  Default?: string;
}

export interface WaitState extends Continuing {
  Type: 'Wait';
  Seconds?: number | string;
  Timestamp?: string;
}

interface SucceedState {
  Type: 'Succeed';
  Output?: JsonValue;
}

export interface FailState {
  Type: 'Fail';
  Error?: string;
  Cause?: string;
}

export interface MapState extends Recovering {
  Type: 'Map';
  Items?: JsonValue;
  ItemSelector?: JsonValue;
  ItemProcessor: Workflow;
  MaxConcurrency?: number | string;
}

export interface ParallelState extends Recovering {
  Type: 'Parallel';
  Arguments?: JsonValue;
  Branches: Workflow[];
}

export type State =
  | PassState
  | TaskState
  | ChoiceState
  | WaitState
  | SucceedState
  | FailState
  | MapState
  | ParallelState;

/** `$states.context`, also handed to each task. Times are ISO 8601. */
export interface ContextObject {
  Execution: {
    Id: string;
    Input: JsonValue;
    Name: string;
    RoleArn: string;
    /** How often somebody has let it go on after its end. */
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
