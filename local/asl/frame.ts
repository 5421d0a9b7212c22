import type { Workflow } from './definition.ts';
import type { HistoryRecorder, Trail } from './history.ts';
import type { JsonObject } from './json.ts';
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
