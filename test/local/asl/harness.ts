import { setImmediate as macrotask } from 'node:timers/promises';
import { ExecutionError } from '../../../local/asl/errors.ts';
import { type ExecutionOptions, runExecution } from '../../../local/asl/execution.ts';
import type { Clock, TaskHandler } from '../../../local/asl/types.ts';

export const INVOKE = 'arn:aws:states:::lambda:invoke';
export const EPOCH = Date.parse('2025-01-01T00:00:00.000Z');

/**
 * Time that jumps to the next sleeper as soon as nothing else is left to do. `sleeps` are the durations asked for, in order;
 * `pending` counts who sleeps now.
 */
export function virtualClock(): Clock & { sleeps: number[]; pending: () => number } {
  let now = EPOCH;
  const sleepers = new Set<{ at: number; wake: () => void }>();
  const sleeps: number[] = [];
  let turning = false;

  async function turn() {
    turning = true;
    while (sleepers.size > 0) {
      await macrotask();
      const next = [...sleepers].sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      now = Math.max(now, next.at);
      sleepers.delete(next);
      next.wake();
    }
    turning = false;
  }

  return {
    sleeps,
    pending: () => sleepers.size,
    now: () => now,
    sleep: (durationMs, signal) =>
      new Promise((resolve, reject) => {
        sleeps.push(durationMs);
        if (signal.aborted) return reject(signal.reason);
        const sleeper = { at: now + durationMs, wake: resolve };
        sleepers.add(sleeper);
        signal.addEventListener('abort', () => {
          sleepers.delete(sleeper);
          reject(signal.reason);
        });
        if (!turning) void turn();
      }),
  };
}

/** The Lambda functions of the tests, chosen by `Payload.do`. */
function lambda(clock: Clock): TaskHandler {
  const calls = new Map<string, number>();
  return async (args, { signal }) => {
    const payload = (args as { Payload?: Record<string, unknown> }).Payload ?? {};
    switch (payload.do) {
      case 'fail':
        throw new ExecutionError(String(payload.error), JSON.stringify({ errorMessage: payload.message ?? '' }));
      case 'failTimes': {
        const failures = payload.errors as string[];
        const call = calls.get('failTimes') ?? 0;
        calls.set('failTimes', call + 1);
        if (call < failures.length) throw new ExecutionError(String(failures[call]));
        return { Payload: { calls: call + 1 } };
      }
      case 'sleep':
        await clock.sleep(Number(payload.ms), signal);
        return { Payload: 'slept' };
      case 'grow':
        return { Payload: 'x'.repeat(Number(payload.length)) };
      case 'hang':
        return new Promise(() => undefined);
      case 'crash':
        throw new TypeError('the platform broke');
      default:
        return { Payload: payload.echo ?? null };
    }
  };
}

type Overrides = Partial<ExecutionOptions>;

export function run(states: Record<string, unknown>, input: unknown = {}, overrides: Overrides = {}) {
  const clock = overrides.clock ?? virtualClock();
  return runExecution({
    definition: machine(states),
    input: input as ExecutionOptions['input'],
    name: 'run-1',
    stateMachineName: 'sample',
    tasks: { [INVOKE]: lambda(clock) },
    random: () => 0.5,
    ...overrides,
    clock,
  });
}

/** A machine that starts at the first state. */
export function machine(states: Record<string, unknown>, more: object = {}) {
  return { QueryLanguage: 'JSONata', StartAt: Object.keys(states)[0], States: states, ...more };
}

export function chain(states: Record<string, unknown>) {
  return { StartAt: Object.keys(states)[0], States: states };
}

/** A Pass state that ends with this output. */
export function result(output: unknown) {
  return { Type: 'Pass', Output: output, End: true };
}

export function invoke(payload: unknown, more: object = {}) {
  return {
    Type: 'Task',
    Resource: INVOKE,
    Arguments: { FunctionName: 'f', Payload: payload },
    ...('Next' in more ? {} : { End: true }),
    ...more,
  };
}
