import type { RecordedEvent } from './recorded.ts';

/** A retry shows as another start after the state was entered. */
const ATTEMPT_STARTS: ReadonlySet<string | undefined> = new Set([
  'TaskScheduled',
  'LambdaFunctionScheduled',
  'ActivityScheduled',
  'MapStateStarted',
  'ParallelStateStarted',
]);

/** The state transitions AWS bills a Standard workflow for: each entry into a state, and each retry of one. */
export function countStateTransitions(history: readonly RecordedEvent[]): number {
  const typeOf = new Map(history.map((event) => [event.id, event.type]));
  const isTransition = ({ type, previousEventId }: RecordedEvent) => {
    if (type?.endsWith('StateEntered')) return true;
    return ATTEMPT_STARTS.has(type) && !typeOf.get(previousEventId)?.endsWith('StateEntered');
  };
  return history.filter(isTransition).length;
}
