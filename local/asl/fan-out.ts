import { runTogether } from './concurrency.ts';
import type { MapState, ParallelState, Workflow } from './definition.ts';
import type { Frame } from './frame.ts';
import { Trail } from './history.ts';
import { checkPayloadSize, type JsonValue } from './json.ts';
import { isArray, isCount } from './values.ts';
import type { Outcome, Visit } from './visit.ts';
import { runWorkflow } from './workflow.ts';

/** How many iterations an inline Map runs at once when MaxConcurrency does not say less. */
const INLINE_MAP_CONCURRENCY = 40;

export async function performParallel(visit: Visit, state: ParallelState): Promise<Outcome> {
  const { run, frame } = visit;
  const input = state.Arguments === undefined ? visit.input : await visit.evaluate('Arguments', state.Arguments);
  run.history.record(frame.trail, { type: 'ParallelStateStarted' });
  const startedAt = frame.trail.lastEventId;
  const branches = state.Branches.map((workflow) => async (signal: AbortSignal) => {
    const trail = new Trail(startedAt);
    return joining(visit, trail, signal, () => runWorkflow(run, inner(visit, { workflow, trail, signal }), input));
  });
  return finish(visit, state, () => runTogether(branches, branches.length, frame.signal));
}

export async function performMap(visit: Visit, state: MapState): Promise<Outcome> {
  const { run, frame, name } = visit;
  const items = await itemsOf(visit, state);
  const limit = await visit.evaluateAs('MaxConcurrency', state.MaxConcurrency ?? 0, isCount, 'a whole number');
  run.history.record(frame.trail, { type: 'MapStateStarted', mapStateStartedEventDetails: { length: items.length } });
  const startedAt = frame.trail.lastEventId;
  const iterations = items.map((item, index) => async (signal: AbortSignal) => {
    const trail = new Trail(startedAt);
    const details = { name, index };
    const context = { ...frame.context, Map: { Item: { Index: index, Value: item } } };
    run.history.record(trail, { type: 'MapIterationStarted', mapIterationStartedEventDetails: details });
    try {
      return await joining(visit, trail, signal, async () => {
        const readable = { context: { ...visit.context, ...context } };
        const input =
          state.ItemSelector === undefined ? item : await visit.evaluate('ItemSelector', state.ItemSelector, readable);
        const iteration = inner(visit, { workflow: state.ItemProcessor, trail, signal, context });
        const output = await runWorkflow(run, iteration, input);
        run.history.record(trail, { type: 'MapIterationSucceeded', mapIterationSucceededEventDetails: details });
        return output;
      });
    } catch (failure) {
      if (signal.aborted) {
        run.history.recordAside(trail, { type: 'MapIterationAborted', mapIterationAbortedEventDetails: details });
      } else {
        run.history.recordAside(trail, { type: 'MapIterationFailed', mapIterationFailedEventDetails: details });
      }
      throw failure;
    }
  });
  return finish(visit, state, () => runTogether(iterations, limit || INLINE_MAP_CONCURRENCY, frame.signal));
}

/** Where there are none to go through, the state has failed before it has started. */
async function itemsOf(visit: Visit, state: MapState): Promise<JsonValue[]> {
  try {
    const source = state.Items === undefined ? visit.input : await visit.evaluate('Items', state.Items);
    return visit.expect('Items', source, isArray, 'an array');
  } catch (failure) {
    visit.run.history.record(visit.frame.trail, { type: 'MapStateFailed' });
    throw failure;
  }
}

/** A scope of its own: it reads the variables around it, and what it assigns ends with it. */
function inner(
  { frame }: Visit,
  own: { workflow: Workflow; trail: Trail; signal: AbortSignal; context?: Frame['context'] },
): Frame {
  return { context: frame.context, ...own, variables: { ...frame.variables } };
}

/** The state's trail goes on from whichever part ended last, or from the one that failed. */
async function joining<T>({ frame }: Visit, trail: Trail, signal: AbortSignal, part: () => Promise<T>): Promise<T> {
  try {
    return await part();
  } finally {
    if (!signal.aborted) frame.trail.lastEventId = trail.lastEventId;
  }
}

async function finish(
  { run, frame, name }: Visit,
  state: MapState | ParallelState,
  runParts: () => Promise<JsonValue[]>,
): Promise<Outcome> {
  try {
    const result = await runParts();
    checkPayloadSize(result, `The result of the state '${name}'`);
    run.history.recordAside(frame.trail, { type: `${state.Type}StateSucceeded` });
    return { exit: state, output: result, readable: { result }, next: state.Next };
  } catch (failure) {
    if (!frame.signal.aborted) run.history.record(frame.trail, { type: `${state.Type}StateFailed` });
    throw failure;
  }
}
