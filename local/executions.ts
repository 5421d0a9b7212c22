import { randomUUID } from 'node:crypto';
import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { executionArn } from './asl/arn.ts';
import { systemClock } from './asl/clock.ts';
import { ExecutionError } from './asl/errors.ts';
import { type ExecutionResult, runExecution } from './asl/execution.ts';
import type { JsonValue } from './asl/json.ts';
import type { Clock, TaskHandler } from './asl/types.ts';

/** An execution of a synthesized state machine, from its start on and for as long as the platform is there. */
export interface Execution {
  readonly arn: string;
  readonly stateMachineName: string;
  readonly name: string;
  readonly input: JsonValue;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** What has happened so far. */
  readonly events: HistoryEvent[];
  /** Every end is a result, never a rejection. */
  readonly ended: Promise<ExecutionResult>;
  /** Undefined until it has ended. */
  result?: ExecutionResult;
  endedAt?: number;
  stop(error: string, cause: string): void;
}

/** Is told of the events of an execution, asked again for each that this one starts in turn, and may answer what it waits for. */
export interface Observer {
  onEvent?: (event: HistoryEvent) => void;
  onNested?: (stateMachineName: string, input: JsonValue) => Observer;
  onWait?: (answer: (output: JsonValue) => void) => void;
}

export interface StartRequest {
  stateMachineName: string;
  input: JsonValue;
  /** A new one, if not said. */
  name?: string;
  observer?: Observer;
  /** Stops the execution. */
  signal?: AbortSignal;
}

export interface ExecutionsOptions {
  /** Definitions by the state machine's name. */
  stateMachines: Readonly<Record<string, unknown>>;
  /** The tasks of one execution, which may start others. */
  tasksFor: (execution: { observer: Observer }) => Readonly<Record<string, TaskHandler>>;
  /** Before the first state of each. */
  onStart: (definition: unknown) => void;
  onEnd: (execution: Execution, result: ExecutionResult) => void;
  /** What executions wait by: this machine's clock, if not said. */
  clock?: Clock;
}

/** Every execution that the platform knows, as Step Functions keeps those of an account. */
export class Executions {
  readonly #options: ExecutionsOptions;
  readonly #byArn = new Map<string, Execution>();

  constructor(options: ExecutionsOptions) {
    this.#options = options;
  }

  /** @throws Error for a state machine that is not known, or a name that was used before */
  start({ stateMachineName, input, name = randomUUID(), observer = {}, signal }: StartRequest): Execution {
    const { stateMachines, tasksFor, onStart, onEnd, clock = systemClock } = this.#options;
    const arn = executionArn(stateMachineName, name);
    const definition = stateMachines[stateMachineName];
    if (!definition) throw new Error(`There is no state machine ${stateMachineName}.`);
    if (this.#byArn.has(arn)) throw new Error(`There is an execution ${arn} already.`);
    onStart(definition);
    const stopping = new AbortController();
    const events: HistoryEvent[] = [];
    const ended = runExecution({
      definition,
      input,
      name,
      stateMachineName,
      tasks: tasksFor({ observer }),
      clock,
      signal: AbortSignal.any([stopping.signal, ...(signal ? [signal] : [])]),
      onEvent: (event) => {
        events.push(event);
        observer.onEvent?.(event);
      },
    }).then((result) => {
      execution.result = result;
      execution.endedAt = Date.now();
      onEnd(execution, result);
      return result;
    });
    const stop = (error: string, cause: string) => stopping.abort(new ExecutionError(error, cause));
    const startedAt = Date.now();
    const execution: Execution = { arn, stateMachineName, name, input, startedAt, events, ended, stop };
    this.#byArn.set(arn, execution);
    return execution;
  }

  find(arn: string): Execution | undefined {
    return this.#byArn.get(arn);
  }

  /** Newest first. */
  of(stateMachineName: string): Execution[] {
    return [...this.#byArn.values()].filter((each) => each.stateMachineName === stateMachineName).reverse();
  }
}
