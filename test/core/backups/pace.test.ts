import { describe, expect, it } from 'vitest';
import { isLargeEnoughToHold, isTooSlow } from '../../../core/backups/pace.ts';

const MIB = 1024 * 1024;
const MINUTE_MS = 60_000;
const OF = { totalBytes: 8192 * MIB, limitMs: 14 * MINUTE_MS };

describe('the pace of a backup', () => {
  it.each([
    ['in its first minute, whatever has come', 59_000, 0, false],
    ['after a minute in which nothing came', MINUTE_MS, 0, true],
    ['a minute at 6 MiB/s: it would take 23 of 14', MINUTE_MS, 6 * 60 * MIB, true],
    ['a minute at 7 MiB/s: it would take 20 of 14', MINUTE_MS, 7 * 60 * MIB, false],
    ['a minute at 10.5 MiB/s: it would take 13 of 14', MINUTE_MS, 10.5 * 60 * MIB, false],
    ['at its end, with a hundredth missing', 12.4 * MINUTE_MS, 8110 * MIB, false],
    ['that was fast, and has stopped since', 13 * MINUTE_MS, 4096 * MIB, true],
  ])('%s', (_, elapsedMs, passedBytes, expected) => {
    expect(isTooSlow({ ...OF, elapsedMs, passedBytes })).toBe(expected);
  });

  it('settles sooner where less time is left for the next member', () => {
    const of = { totalBytes: 100 * MIB, passedBytes: MIB, limitMs: 14_000 };
    expect([900, 1_000].map((elapsedMs) => isTooSlow({ ...of, elapsedMs }))).toEqual([false, true]);
  });

  it('is of no use for what is sent before anybody could keep it open', () => {
    expect([15, 16].map((mib) => isLargeEnoughToHold({ totalBytes: mib * MIB }))).toEqual([false, true]);
  });
});
