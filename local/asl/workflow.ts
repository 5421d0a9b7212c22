import type { State, Workflow } from './definition.ts';
import type { HistoryRecorder, Trail } from './history.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { runState } from './state.ts';
import type { Clock, ContextObject, TaskHandler } from './types.ts';

/** What all states of one execution share. */
export interface Run {
  readonly tasks: Readonly<Record<string, TaskHandler>>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly history: HistoryRecorder;
  /** Functions for expressions beyond JSONata's own. */
  readonly functions: Record<string, unknown>;
}

/** One chain of states under way: the machine itself, a branch, or an iteration. */
export interface Frame {
  readonly workflow: Workflow;
  /** Of this scope, on top of a copy of those of the scopes around it, so that nothing assigned here reaches them. */
  readonly variables: JsonObject;
  readonly context: Omit<ContextObject, 'State' | 'Task'>;
  readonly trail: Trail;
  readonly signal: AbortSignal;
}

/** Runs from StartAt until a state that ends the chain; resolves with that state's output. */
export async function runWorkflow(run: Run, frame: Frame, input: JsonValue): Promise<JsonValue> {
  let name: string | undefined = frame.workflow.StartAt;
  let data = input;
  while (name !== undefined) {
    frame.signal.throwIfAborted();
    // The definition was checked: every target exists.
    const state = frame.workflow.States[name] as State;
    const left: { output: JsonValue; next: string | undefined } = await runState(run, frame, {
      name,
      state,
      input: data,
    });
    data = left.output;
    name = left.next;
  }
  return data;
}
