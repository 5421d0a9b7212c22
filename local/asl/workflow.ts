import type { State } from './definition.ts';
import type { Frame, Run } from './frame.ts';
import type { JsonValue } from './json.ts';
import { runState, type Transition } from './state.ts';

/** Runs from StartAt until a state that ends the chain; resolves with that state's output. */
export async function runWorkflow(run: Run, frame: Frame, input: JsonValue): Promise<JsonValue> {
  let name: string | undefined = frame.workflow.StartAt;
  let data = input;
  while (name !== undefined) {
    frame.signal.throwIfAborted();
    // The definition was checked: every target exists.
    const state = frame.workflow.States[name] as State;
    const transition: Transition = await runState(run, frame, {
      name,
      state,
      input: data,
    });
    data = transition.output;
    name = transition.next;
  }
  return data;
}
