import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import { SEED } from './seed.ts';

/** `npm run test:full` goes through every world, `npm test` through one in five. */
const SHARE = process.env.TEST_WORLDS === 'all' ? 1 : 0.2;

/**
 * The worlds of an exhaustive test that this run goes through. Which they are follows from `TEST_SEED` and the test's name: the same seed
 * finds the same fault again, whichever tests run beside it.
 */
export function* sampled<World>(worlds: Iterable<World>): Generator<World> {
  const random = randomFor(`${SEED} ${expect.getState().currentTestName}`);
  let skipped: World | undefined;
  let taken = 0;
  for (const world of worlds) {
    if (random() < SHARE) {
      taken++;
      yield world;
    } else skipped = world;
  }
  if (taken === 0 && skipped !== undefined) yield skipped;
}

/** Numbers from 0 up to 1, by Mulberry32: a generator of 32 bits is plenty to choose worlds with. */
export function randomFor(seed: string): () => number {
  let state = createHash('sha256').update(seed).digest().readUInt32LE();
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
