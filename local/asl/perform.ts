import type { ChoiceState, FailState, WaitState } from './definition.ts';
import { ExecutionError } from './errors.ts';
import { performMap, performParallel } from './fan-out.ts';
import { performTask } from './task.ts';
import { isBoolean, isCount, isString, isTimestamp } from './values.ts';
import type { Outcome, Visit } from './visit.ts';

/** Does what a state is for, once. */
export async function perform(visit: Visit): Promise<Outcome> {
  const { state, input } = visit;
  switch (state.Type) {
    case 'Pass':
      return { exit: state, output: input, next: state.Next };
    case 'Succeed':
      return { exit: state, output: input, next: undefined };
    case 'Fail':
      throw await failure(visit, state);
    case 'Wait':
      await visit.pause(await waitMs(visit, state));
      return { exit: state, output: input, next: state.Next };
    case 'Choice':
      return choose(visit, state);
    case 'Task':
      return performTask(visit, state);
    case 'Map':
      return performMap(visit, state);
    case 'Parallel':
      return performParallel(visit, state);
  }
}

async function failure(visit: Visit, state: FailState): Promise<ExecutionError> {
  const error = await visit.evaluateAs('Error', state.Error ?? '', isString, 'a string');
  const cause = await visit.evaluateAs('Cause', state.Cause ?? '', isString, 'a string');
  return new ExecutionError(error, cause);
}

async function waitMs(visit: Visit, state: WaitState): Promise<number> {
  if (state.Timestamp !== undefined) {
    const time = await visit.evaluateAs('Timestamp', state.Timestamp, isTimestamp, 'an RFC 3339 timestamp');
    return Math.max(0, Date.parse(time) - visit.run.clock.now());
  }
  return 1000 * (await visit.evaluateAs('Seconds', state.Seconds ?? 0, isCount, 'a whole number of seconds'));
}

/** The first rule that holds; the state's own Assign and Output apply only where none does. */
async function choose(visit: Visit, state: ChoiceState): Promise<Outcome> {
  for (const [index, rule] of state.Choices.entries()) {
    const field = `Choices[${index}]/Condition`;
    if (await visit.evaluateAs(field, rule.Condition, isBoolean, 'true or false')) {
      return { exit: rule, output: visit.input, next: rule.Next };
    }
  }
  if (state.Default !== undefined) return { exit: state, output: visit.input, next: state.Default };
  throw new ExecutionError(
    'States.Runtime',
    `No choice rule of the state '${visit.name}' matched, and it has no Default.`,
  );
}
