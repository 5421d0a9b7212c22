import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../local/asl/clock.ts';

describe('the system clock', () => {
  it('sleeps', async () => {
    const before = systemClock.now();
    await systemClock.sleep(5, new AbortController().signal);
    expect(systemClock.now() - before).toBeGreaterThanOrEqual(4);
  });

  it('wakes at once, rejecting, when its signal aborts', async () => {
    const stop = new AbortController();
    const sleep = systemClock.sleep(3_600_000, stop.signal);
    stop.abort();
    await expect(sleep).rejects.toThrow();
  });

  it('sleeps through more than the 24.8 days that one timer can hold', async () => {
    const stop = new AbortController();
    const sleep = systemClock.sleep(30 * 24 * 3_600_000, stop.signal).then(() => 'woke early');
    const winner = await Promise.race([sleep, systemClock.sleep(10, stop.signal).then(() => 'still asleep')]);
    stop.abort();
    await sleep.catch(() => undefined);
    expect(winner).toBe('still asleep');
  });
});
