import { vi } from 'vitest';
import { WAIT_MS } from './patience.ts';

/** Tries until nothing is thrown any more. */
export function waitFor<Result>(attempt: () => Result | Promise<Result>): Promise<Result> {
  return vi.waitFor(attempt, { timeout: WAIT_MS, interval: 20 });
}
