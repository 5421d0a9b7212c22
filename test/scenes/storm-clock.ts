import { setImmediate as macrotask } from 'node:timers/promises';
import type { Clock } from '../../local/asl/types.ts';

interface Sleeper {
  at: number;
  /** Of two that wake at the same time, the first one first. */
  order: number;
  wake: () => void;
  isGone: boolean;
}

export interface StormClock extends Clock {
  /** Time stands still while this goes on: it is real, and takes none of the storm's time. */
  during<Result>(work: Promise<Result>): Promise<Result>;
  /** Sleeps that nobody interrupts. */
  wait(durationMs: number): Promise<void>;
}

/**
 * Time that jumps to the next sleeper as soon as nothing else is left to do, and nothing real is waited for. For thousands of sleepers.
 */
export function stormClock(startMs: number): StormClock {
  const never = new AbortController().signal;
  const sleepers: Sleeper[] = [];
  let now = startMs;
  let order = 0;
  let turning = false;
  let busy = 0;
  let idle = Promise.withResolvers<void>();

  const isEarlier = (one: Sleeper, other: Sleeper) =>
    one.at < other.at || (one.at === other.at && one.order < other.order);
  const swap = (one: number, other: number) => {
    [sleepers[one], sleepers[other]] = [sleepers[other] as Sleeper, sleepers[one] as Sleeper];
  };

  /** A binary heap, whose first is the earliest. */
  function push(sleeper: Sleeper): void {
    let at = sleepers.push(sleeper) - 1;
    for (let parent = (at - 1) >> 1; at > 0; at = parent, parent = (at - 1) >> 1) {
      if (!isEarlier(sleepers[at] as Sleeper, sleepers[parent] as Sleeper)) return;
      swap(at, parent);
    }
  }

  function pop(): Sleeper | undefined {
    const [first] = sleepers;
    const last = sleepers.pop();
    if (!first || !last || sleepers.length === 0) return first;
    sleepers[0] = last;
    for (let at = 0; ; ) {
      const children = [2 * at + 1, 2 * at + 2].filter((child) => child < sleepers.length);
      const [least] = children.toSorted((one, other) =>
        isEarlier(sleepers[one] as Sleeper, sleepers[other] as Sleeper) ? -1 : 1,
      );
      if (least === undefined || isEarlier(sleepers[at] as Sleeper, sleepers[least] as Sleeper)) return first;
      swap(at, least);
      at = least;
    }
  }

  async function turn(): Promise<void> {
    turning = true;
    while (sleepers.length > 0) {
      await macrotask();
      if (busy > 0) {
        await idle.promise;
        continue;
      }
      const next = pop();
      if (!next || next.isGone) continue;
      now = Math.max(now, next.at);
      next.wake();
    }
    turning = false;
  }

  const sleep = (durationMs: number, signal: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = () => {
        sleeper.isGone = true;
        reject(signal.reason);
      };
      const wake = () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      const sleeper: Sleeper = { at: now + durationMs, order: order++, wake, isGone: false };
      if (signal !== never) signal.addEventListener('abort', onAbort, { once: true });
      push(sleeper);
      if (!turning) void turn();
    });

  return {
    now: () => now,
    sleep,
    wait: (durationMs) => sleep(durationMs, never),
    async during(work) {
      if (busy === 0) idle = Promise.withResolvers<void>();
      busy += 1;
      try {
        return await work;
      } finally {
        busy -= 1;
        if (busy === 0) idle.resolve();
      }
    },
  };
}
