import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostedStage } from '../../drills/stage.ts';
import { SEED } from '../run/seed.ts';
import { expectWhole, hostedStage, recover } from '../scenes/hosted-scene.ts';
import { leaveTheLast, putThrough, readValue, reportOf, scratchOf } from '../scenes/lost-quorum.ts';
import { around, HOST_STEPS } from '../scenes/scene.ts';

/**
 * From the first state that leaves something on a host; each with the number of hosts on which its commands have ended by then. Where they are
 * not all, the function was killed after it had sent the first ones.
 */
const STATES = [
  ['Send the snapshot', 1],
  ['Restore on every host', 1],
  ['Restore on every host', 3],
  ['Put restored data in place', 1],
  ['Put restored data in place', 2],
  ['Put restored data in place', 3],
  // From here on the word that a recovery is kept may stay.
  ['Start all services', 1],
  ['Verify recovery', 3],
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
    'in "%s", when that is done on %i hosts, is finished or undone as a whole by the next execution',
    async (state, hosts) => {
      const value = `before ${state} ${hosts}`;
      await putThrough(stage, 'm3', 'kept', value);
      await leaveTheLast(stage);
      const stop = new AbortController();
      let entered: string | undefined;
      const onEvent = ({ stateEnteredEventDetails, stateExitedEventDetails: exited }: HistoryEvent) => {
        entered = stateEnteredEventDetails?.name ?? entered;
        if (exited?.name === state) stop.abort(new Error('stopped'));
      };
      const cutOff = around(stage.platform, HOST_STEPS, {
        before: async (_, { commands }) => {
          if (entered === state) commands?.splice(hosts);
        },
        after: async () => {
          if (entered === state) stop.abort(new Error('stopped'));
        },
      });
      const stopped = await recover(stage, {}, { onEvent, signal: stop.signal });
      cutOff[Symbol.dispose]();
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
