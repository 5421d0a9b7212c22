import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostedStage } from '../../drills/stage.ts';
import { SEED } from '../run/seed.ts';
import { expectWhole, hostedStage, recover } from '../scenes/hosted-scene.ts';
import { leaveTheLast, putThrough, readValue, reportOf, scratchOf } from '../scenes/lost-quorum.ts';

/**
 * From the first state that leaves something on a host. Of states that run on each host, the first that ends: that is where some hosts are
 * further than others.
 */
const STATES = [
  ['Restore on trial', 1],
  ['Restore snapshot', 1],
  ['Stop all services', 1],
  ['Place restored data', 1],
  ['Place restored data', 2],
  ['Put restored data in place', 1],
  ['Write membership', 1],
  ['Keep what is in place', 1],
  ['Commit the restored data', 1],
  // From here on the word that a recovery is kept may stay.
  ['Start service', 1],
  ['Verify recovery', 1],
] as const;

/** One cluster for all: it loses its quorum again and again, and each time the runbook is stopped at another state, and started anew. */
describe('the quorum runbook, stopped', () => {
  let stage: HostedStage;
  beforeAll(async () => {
    stage = await hostedStage();
  });
  afterAll(async () => stage?.close());

  // What becomes of each host's data is gone through stop by stop in test/real/recovery-interrupted.test.ts; here every second one, by the seed.
  it.each(STATES.filter((_, index) => index % 2 === SEED % 2))(
    'after %s (the %i. time), is finished or undone as a whole by the next execution',
    async (state, times) => {
      const value = `before ${state} ${times}`;
      await putThrough(stage, 'm3', 'kept', value);
      await leaveTheLast(stage);
      const stop = new AbortController();
      let seen = 0;
      const onEvent = ({ stateExitedEventDetails: exited }: HistoryEvent) => {
        if (exited?.name === state && ++seen === times) stop.abort(new Error('stopped'));
      };
      const stopped = await recover(stage, {}, { onEvent, signal: stop.signal });
      expect(stopped, stopped.status === 'FAILED' ? stopped.cause : '').toMatchObject({ status: 'ABORTED' });
      const next = await recover(stage);
      expect(reportOf(next).outcome).toMatch(/^(Remediated|NothingToDo)$/);
      await expectWhole(stage);
      expect(await readValue(stage, 'kept')).toBe(value);
      expect((await scratchOf(stage)).filter((path) => !isMereWord(path))).toEqual([]);
    },
  );

  it('so often, leaves nothing behind that disturbs the next recovery', async () => {
    await putThrough(stage, 'm3', 'kept', 'at last');
    await leaveTheLast(stage);
    expect(reportOf(await recover(stage)).outcome).toBe('Remediated');
    await expectWhole(stage);
    expect(await readValue(stage, 'kept')).toBe('at last');
    expect((await scratchOf(stage)).filter((path) => !isMereWord(path))).toEqual([]);
  });
});

/** Whether it is a scratch folder itself, or the word in it that says how far a recovery came. */
function isMereWord(path: string): boolean {
  return /\.[0-9a-f-]{36}(\/phase)?$/.test(path);
}
