import { interruptible } from './concurrency.ts';
import type { Exit, State } from './definition.ts';
import { QueryEvaluationError } from './errors.ts';
import { evaluateTemplate } from './expressions.ts';
import type { Frame, Run } from './frame.ts';
import type { JsonValue } from './json.ts';
import type { ContextObject } from './types.ts';

/** The types of states that may be retried: only these are told how often they were. */
const RETRYING: readonly State['Type'][] = ['Task', 'Parallel', 'Map'];

/** How a state wants to be left. */
export interface Outcome {
  /** The state, choice rule or catcher whose Assign and Output apply. */
  exit: Exit;
  /** The state's output where `exit` has no Output. */
  output: JsonValue;
  /** What `$states` then offers besides input and context. */
  readable?: { result: JsonValue } | { errorOutput: JsonValue };
  next: string | undefined;
}

/** One state being run, and what its expressions can read. */
export class Visit {
  readonly run: Run;
  readonly frame: Frame;
  readonly name: string;
  readonly state: State;
  readonly input: JsonValue;
  readonly #enteredTime: string;
  retryCount = 0;
  /** Of the current attempt, where the resource waits for one. */
  taskToken: string | undefined;

  constructor(run: Run, frame: Frame, entry: { name: string; state: State; input: JsonValue }) {
    this.run = run;
    this.frame = frame;
    this.name = entry.name;
    this.state = entry.state;
    this.input = entry.input;
    this.#enteredTime = new Date(run.clock.now()).toISOString();
  }

  get context(): ContextObject {
    return {
      ...this.frame.context,
      State: {
        Name: this.name,
        EnteredTime: this.#enteredTime,
        ...(RETRYING.includes(this.state.Type) && { RetryCount: this.retryCount }),
      },
      ...(this.taskToken !== undefined && { Task: { Token: this.taskToken } }),
    };
  }

  /** A field's value with its expressions evaluated. `readable` is merged into `$states`. */
  async evaluate(field: string, template: JsonValue, readable: object = {}): Promise<JsonValue> {
    const states = { input: this.input, context: this.context, ...readable };
    const scope = { states, variables: this.frame.variables, functions: this.run.functions };
    try {
      return await evaluateTemplate(template, scope, field);
    } catch (thrown) {
      throw thrown instanceof QueryEvaluationError ? this.#evaluationFailed(thrown) : thrown;
    }
  }

  /** `evaluate`, for a field that takes one type only. */
  async evaluateAs<T>(field: string, template: JsonValue, isWanted: (value: unknown) => value is T, wanted: string) {
    return this.expect(field, await this.evaluate(field, template), isWanted, wanted);
  }

  expect<T>(field: string, value: JsonValue, isWanted: (value: unknown) => value is T, wanted: string): T {
    if (isWanted(value)) return value;
    const cause = `The field '${field}' must be ${wanted}, not ${JSON.stringify(value)}.`;
    throw this.#evaluationFailed(new QueryEvaluationError(field, cause));
  }

  #evaluationFailed(failure: QueryEvaluationError): QueryEvaluationError {
    const { error, cause, location } = failure;
    this.run.history.record(this.frame.trail, {
      type: 'EvaluationFailed',
      evaluationFailedEventDetails: { error, cause, location, state: this.name },
    });
    return failure;
  }

  /** Lets time pass, unless the state is stopped meanwhile. */
  async pause(durationMs: number): Promise<void> {
    const { signal } = this.frame;
    await interruptible(this.run.clock.sleep(durationMs, signal), signal);
  }
}
