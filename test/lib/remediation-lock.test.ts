import { describe, expect, it } from 'vitest';
import { EPOCH } from '../local/asl/harness.ts';
import { failure } from './execute.ts';
import { type Item, LockTable } from './lock-table.ts';
import { diagnosisOf, lockOf, ME, OTHER, recordsOf, remediate, STARTED_AT, tableWith } from './remediation-scene.ts';
import { callsOf } from './replacement-scene.ts';

const TAKE = 'Take the lock';
const WHO = ['Who holds the lock?', 'Is the lock held?'];
const LOOK = ['Look at the holder', 'Is the holder running?'];
const ALARM = 'Did an alarm start it?';
const IN_PROGRESS = 'Already in progress';
const RUNNING = { 'Look at the holder': { Status: 'RUNNING' } };
const THROTTLED = failure('DynamoDb.ThrottlingException', 'Slow down.');

/** From the first state on, without what a remediation of a healthy cluster does once it has the lock. */
function waysOf({ visited }: Awaited<ReturnType<typeof remediate>>): string[] {
  const end = visited.indexOf('Diagnose cluster');
  return visited.slice(1, end < 0 ? undefined : end + 1);
}

describe('the lock', () => {
  it('is taken for the execution, until after its time limit', async () => {
    let lock: Item | undefined;
    const table = new LockTable();
    await remediate({
      table,
      answers: {
        'Diagnose cluster': () => {
          lock = table.lockOf('orders');
          return diagnosisOf('healthy');
        },
      },
    });
    expect(lock).toEqual({
      cluster: { S: 'orders' },
      id: { S: 'lock' },
      owner: { S: ME },
      remediation: { S: 'run-1' },
      startedAt: { S: STARTED_AT },
      expiresAt: { N: String(EPOCH / 1000 + 61 * 3600) },
    });
  });

  it('of another cluster keeps nobody', async () => {
    const table = tableWith(lockOf(OTHER, { cluster: { S: 'billing' } }));
    const executed = await remediate({ table });
    expect(executed.ended).toMatchObject({ output: { outcome: 'NothingToDo' } });
    expect(table.lockOf('billing')).toBeDefined();
  });

  it('of one that runs is left alone, and it is named', async () => {
    const table = tableWith(lockOf(OTHER));
    const executed = await remediate({ table, answers: RUNNING });
    expect(waysOf(executed)).toEqual([TAKE, ...WHO, ...LOOK, ALARM, IN_PROGRESS]);
    expect(callsOf(executed, 'Look at the holder')).toEqual([{ ExecutionArn: OTHER }]);
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED' });
    expect(Object(executed.ended).output).toEqual({
      outcome: 'AlreadyInProgress',
      cluster: 'orders',
      holder: { execution: OTHER, remediation: 'other', startedAt: '2024-12-31T23:00:00.000Z' },
      summary: 'The remediation other has been at it since 2024-12-31T23:00:00.000Z.',
    });
    expect(table.lockOf('orders')).toEqual(lockOf(OTHER));
    expect(recordsOf(table)).toEqual([]);
    expect(executed.pages).toEqual([]);
    // An answer, and no reason to wait.
    expect(executed.waitsMs).toEqual([]);
  });

  it.each(['FAILED', 'ABORTED', 'TIMED_OUT', 'SUCCEEDED'])('of one that ended as %s is taken over', async (Status) => {
    const table = tableWith(lockOf(OTHER));
    const executed = await remediate({ table, answers: { 'Look at the holder': { Status } } });
    expect(waysOf(executed)).toEqual([TAKE, ...WHO, ...LOOK, 'Take over the lock', 'Diagnose cluster']);
    expect(executed.ended).toMatchObject({ output: { outcome: 'NothingToDo' } });
    expect(table.lockOf('orders')).toBeUndefined();
  });

  it('of one that AWS does not know any more is taken over', async () => {
    const gone = failure('Sfn.ExecutionDoesNotExistException', 'gone');
    const executed = await remediate({ table: tableWith(lockOf(OTHER)), answers: { 'Look at the holder': gone } });
    expect(waysOf(executed)).toEqual([TAKE, ...WHO, 'Look at the holder', 'Take over the lock', 'Diagnose cluster']);
    expect(executed.waitsMs).toEqual([]);
  });

  it("that has expired is anybody's", async () => {
    const table = tableWith(lockOf(OTHER, { expiresAt: { N: String(EPOCH / 1000 - 1) } }));
    expect(waysOf(await remediate({ table }))).toEqual([TAKE, 'Diagnose cluster']);
  });

  it('that expires just now is not', async () => {
    const table = tableWith(lockOf(OTHER, { expiresAt: { N: String(EPOCH / 1000) } }));
    expect(Object((await remediate({ table, answers: RUNNING })).ended).output).toMatchObject({
      outcome: 'AlreadyInProgress',
    });
  });

  it('that is its own already is taken: the answer to the first call was lost', async () => {
    const table = tableWith(lockOf(ME));
    expect(waysOf(await remediate({ table }))).toEqual([TAKE, 'Diagnose cluster']);
  });

  it('that was taken over is its own, though the answer to that was lost', async () => {
    const table = tableWith(lockOf(OTHER));
    let calls = 0;
    const takeOver = () => {
      table.put(lockOf(ME));
      calls++;
      return calls === 1 ? failure('DynamoDb.SdkClientException', 'no answer') : undefined;
    };
    const executed = await remediate({
      table,
      answers: { 'Look at the holder': { Status: 'ABORTED' }, 'Take over the lock': takeOver },
    });
    expect(calls).toBe(2);
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'NothingToDo' } });
    expect(table.lockOf('orders')).toBeUndefined();
  });

  it('that was given back meanwhile is taken', async () => {
    const table = tableWith(lockOf(OTHER));
    const executed = await remediate({ table, answers: { 'Who holds the lock?': () => table.delete('orders') } });
    expect(waysOf(executed)).toEqual([TAKE, ...WHO, TAKE, 'Diagnose cluster']);
  });

  it("that another one has taken over meanwhile is that one's", async () => {
    const table = tableWith(lockOf(OTHER));
    const third = OTHER.replace('other', 'third');
    const executed = await remediate({
      table,
      answers: {
        'Look at the holder': [{ Status: 'ABORTED' }, { Status: 'RUNNING' }],
        'Take over the lock': () => table.put(lockOf(third)),
      },
    });
    expect(waysOf(executed)).toEqual([
      TAKE,
      ...WHO,
      ...LOOK,
      'Take over the lock',
      ...WHO,
      ...LOOK,
      ALARM,
      IN_PROGRESS,
    ]);
    expect(Object(executed.ended).output).toMatchObject({ holder: { remediation: 'third' } });
    expect(table.lockOf('orders')).toEqual(lockOf(third));
  });

  it('that changes hands each time is looked at five times', async () => {
    const table = tableWith(lockOf(OTHER));
    const executed = await remediate({
      table,
      answers: {
        [TAKE]: () => table.put(lockOf(OTHER)),
        'Who holds the lock?': () => table.delete('orders'),
      },
    });
    expect(executed.visited.filter((name) => name === 'Who holds the lock?')).toHaveLength(5);
    expect(executed.visited.at(-1)).toBe(IN_PROGRESS);
    expect(Object(executed.ended).output).toMatchObject({
      outcome: 'AlreadyInProgress',
      holder: { execution: '', remediation: '', startedAt: '' },
      summary: 'Other remediations of this cluster began and ended meanwhile.',
    });
  });
});

describe('DynamoDB', () => {
  it.each(['Take the lock', 'Record how it ended', 'Give the lock back'])(
    'is asked again where it throttles: %s',
    async (state) => {
      const executed = await remediate({ answers: { [state]: [THROTTLED, THROTTLED] } });
      expect(executed.ended).toMatchObject({ output: { outcome: 'NothingToDo' } });
      expect(executed.waitsMs).toEqual([1_000, 2_000]);
      expect(recordsOf(executed.table)).toHaveLength(1);
      expect(executed.table.lockOf('orders')).toBeUndefined();
    },
  );

  it('is asked for the holder again where it throttles', async () => {
    const executed = await remediate({
      table: tableWith(lockOf(OTHER)),
      answers: { ...RUNNING, 'Who holds the lock?': [THROTTLED] },
    });
    expect(executed.visited.at(-1)).toBe(IN_PROGRESS);
    expect(executed.waitsMs).toEqual([1_000]);
  });

  it.each(['Take the lock', 'Who holds the lock?', 'Look at the holder', 'Take over the lock'])(
    'or Step Functions that stays away keeps it from beginning, which is paged: %s',
    async (state) => {
      const executed = await remediate({
        table: tableWith(lockOf(OTHER)),
        answers: { 'Look at the holder': { Status: 'ABORTED' }, [state]: failure('Any.SdkClientException', 'away') },
      });
      expect(executed.visited.slice(-4)).toEqual([
        ...[state, 'Was the input wrong?', 'Page that it could not begin', 'Stop with the error'],
      ]);
      expect(executed.ended).toMatchObject({ status: 'FAILED', error: 'Any.SdkClientException', cause: 'away' });
      expect(executed.waitsMs.reduce((sum, waitMs) => sum + waitMs, 0)).toBe(131_000);
      expect(executed.table.lockOf('orders')).toEqual(lockOf(OTHER));
    },
  );
});

describe('an error before the lock is taken', () => {
  const FAILS = failure('SNS.InternalErrorException', 'not now');

  it('is raised, and paged to nobody, where the input is wrong: whoever has typed it reads it', async () => {
    const executed = await remediate({ input: { cluster: 'orders', member: 'node3' } });
    expect(executed.visited).toEqual(['Load cluster', 'Was the input wrong?', 'Stop with the error']);
    expect(executed.ended).toMatchObject({
      status: 'FAILED',
      error: 'InvalidInput',
      cause: expect.stringContaining('member: is for one runbook: say with "incident" which'),
    });
    expect(executed.pages).toEqual([]);
  });

  it.each<[string, Record<string, unknown>, number]>([
    ['and paged', {}, 1],
    ['though no page can be sent', { 'Page that it could not begin': FAILS }, 0],
  ])('is raised, %s, where it is any other', async (_, answers, pages) => {
    const executed = await remediate({
      answers: { 'Load cluster': failure('PreconditionFailed', 'Deploy again.'), ...answers },
    });
    expect(executed.ended).toMatchObject({ status: 'FAILED', error: 'PreconditionFailed', cause: 'Deploy again.' });
    expect(executed.pages).toMatchObject(
      [
        {
          subject: 'CRITICAL: a remediation of an etcd cluster could not begin',
          message: expect.stringMatching(
            /^A remediation of orders could not begin\. Nothing was changed\.\n\nPreconditionFailed: Deploy again\.\n\nCorrect that, then start it again: npx --no etcd-remediation start orders --watch\n/,
          ),
        },
      ].slice(0, pages),
    );
    expect(executed.table.lockOf('orders')).toBeUndefined();
    expect(recordsOf(executed.table)).toEqual([]);
  });
});
