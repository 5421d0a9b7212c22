import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostedStage } from '../../drills/stage.ts';
import type { Writer } from '../../drills/writer.ts';
import { SEED } from '../run/seed.ts';
import { expectWhole, hostedStage, lostBy, outputOf, replace, startWriting, untilLed } from '../scenes/hosted-scene.ts';

/** Before this state nothing is changed: one stop there is as good as many. */
const FIRST_CHANGE = 'Stop service';
/** Of a state of these kinds nothing is left but where to go next: a stop after it is one before the next. */
const IDLE_STATES: readonly string[] = ['ChoiceStateExited', 'PassStateExited'];
/** More than there are. */
const MAX_STATES = 80;
/** A model goes through every stop (test/core/member-replacement/next-change-loop.test.ts). On real members every third is tried; which, follows from the seed. */
const STRIDE = 3;

/**
 * One cluster for all: its third member is broken again and again, and each time the runbook is stopped after one more state, and
 * started anew. etcd 3.5.30 takes the longest way, for there the member joins as a learner.
 */
describe('the member runbook, stopped after any state,', () => {
  let stage: HostedStage;
  let writer: Writer;
  beforeAll(async () => {
    stage = await hostedStage();
    writer = startWriting(stage, ['m1', 'm2']);
  });
  afterAll(async () => {
    await writer?.stop();
    writer?.close();
    await stage?.close();
  });

  it(`is finished by the next execution, with nothing lost and no member left stopped (TEST_SEED=${SEED})`, async () => {
    for (let count = 1 + (SEED % STRIDE); count <= MAX_STATES; count += STRIDE) {
      await stage.cluster.destroyMember('m3');
      await untilLed(stage);
      const stopped = await stopAfter(count);
      if (stopped === undefined) {
        await expectWhole(stage);
        expect(await lostBy(writer, stage)).toBe(0);
        return;
      }
      await untilLed(stage);
      const next = await replace(stage);
      const ending = next.status === 'SUCCEEDED' ? '' : `${next.error}: ${next.cause}`;
      expect(next, `after ${stopped.at(-1)} (${count}): ${ending}`).toMatchObject({ status: 'SUCCEEDED' });
      expect(outputOf(next).outcome).toMatch(/^(Remediated|NothingToDo)$/);
      await expectWhole(stage);
    }
    throw new Error(`an execution had more than ${MAX_STATES} states`);
  });

  /**
   * @param count different states from the first change on: how often it waits and looks again is for the machine to say
   * @returns their names; undefined where the execution ended before
   */
  async function stopAfter(count: number): Promise<string[] | undefined> {
    const stop = new AbortController();
    const left: string[] = [];
    const onEvent = ({ type, stateExitedEventDetails: exited }: HistoryEvent) => {
      if (exited?.name === undefined || IDLE_STATES.includes(type ?? '')) return;
      if (left.length === 0 ? exited.name !== FIRST_CHANGE : left.includes(exited.name)) return;
      left.push(exited.name);
      if (left.length === count) stop.abort(new Error('stopped'));
    };
    const execution = await replace(stage, {}, { onEvent, signal: stop.signal });
    if (execution.status === 'SUCCEEDED') return undefined;
    expect(execution, `${execution.error}: ${execution.cause}`).toMatchObject({ status: 'ABORTED' });
    return left;
  }
});
