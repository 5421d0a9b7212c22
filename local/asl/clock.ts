import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from './types.ts';

/** setTimeout holds its delay in 31 bits; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(durationMs, signal) {
    const wakeAt = Date.now() + durationMs;
    for (let leftMs = durationMs; leftMs > 0; leftMs = wakeAt - Date.now()) {
      await delay(Math.min(leftMs, LONGEST_TIMER_MS), undefined, { signal });
    }
  },
};
