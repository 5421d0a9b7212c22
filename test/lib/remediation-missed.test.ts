import { describe, expect, it } from 'vitest';
import { failure } from './execute.ts';
import { diagnosisOf, lockOf, OTHER, remediate, tableWith } from './remediation-scene.ts';
import { callsOf } from './replacement-scene.ts';

const RUNNING = { 'Look at the holder': { Status: 'RUNNING' } };
const WORD = 'Pass the alarm on to the holder';
const AGAIN = 'Start another one for it';
const HEALTHY = diagnosisOf('healthy');

const byAlarm = (alarm: string, more: object = {}) => ({ cluster: 'orders', alarm, ...more });
const wordOf = (input: object) => ({ missed: { S: JSON.stringify(input) } });

describe('an alarm that finds another remediation at work', () => {
  const found = byAlarm('space-exceeded');

  it('leaves word in the lock, and ends as one that is in progress already', async () => {
    const table = tableWith(lockOf(OTHER));
    const { ended, visited } = await remediate({ input: found, table, answers: RUNNING });
    expect(visited.slice(-3)).toEqual(['Did an alarm start it?', WORD, 'Already in progress']);
    expect(ended).toMatchObject({ output: { outcome: 'AlreadyInProgress', holder: { remediation: 'other' } } });
    const { missed, ...lock } = table.lockOf('orders') ?? {};
    expect(lock).toEqual(lockOf(OTHER));
    expect(JSON.parse(Object(missed).S)).toEqual(found);
  });

  it.each<[string, object, object, string]>([
    ['takes the place of one before it', byAlarm('a'), byAlarm('b'), 'b'],
    ['takes the place of one for a single incident', byAlarm('a', { incident: 'space-exceeded' }), byAlarm('b'), 'b'],
    [
      'for a single incident leaves another one its place',
      byAlarm('a'),
      byAlarm('b', { incident: 'space-exceeded' }),
      'a',
    ],
  ])('%s', async (_, before, now, alarm) => {
    const table = tableWith(lockOf(OTHER, wordOf(before)));
    await remediate({ input: { ...now }, table, answers: RUNNING });
    expect(JSON.parse(Object(table.lockOf('orders')).missed.S)).toMatchObject({ alarm });
  });

  it('takes the lock where it is given back in that moment', async () => {
    const table = tableWith(lockOf(OTHER));
    const { ended } = await remediate({
      input: found,
      table,
      answers: { ...RUNNING, [WORD]: () => table.delete('orders') },
    });
    expect(ended).toMatchObject({ output: { outcome: 'NothingToDo' } });
  });

  it('is paged where it can leave no word', async () => {
    const { ended, pages } = await remediate({
      input: found,
      table: tableWith(lockOf(OTHER)),
      answers: { ...RUNNING, [WORD]: failure('DynamoDb.AccessDeniedException', 'No.') },
    });
    expect(ended).toMatchObject({ status: 'FAILED', error: 'DynamoDb.AccessDeniedException' });
    expect(pages).toHaveLength(1);
  });

  it.each(['ann', 'cloudwatch'])('is no start that is requested by %s, which leaves none', async (requestedBy) => {
    const table = tableWith(lockOf(OTHER));
    await remediate({ input: { cluster: 'orders', requestedBy }, table, answers: RUNNING });
    expect(table.lockOf('orders')).toEqual(lockOf(OTHER));
  });
});

describe('a remediation with which an alarm has left word', () => {
  const input = { cluster: 'orders', incident: 'member-failed', requestedBy: 'ann' };
  const missed = byAlarm('space-exceeded');

  it.each<[string, Record<string, unknown>, object]>([
    ['that succeeds', {}, { status: 'SUCCEEDED', output: { outcome: 'Remediated' } }],
    [
      'that fails',
      { 'Run member-replacement': failure('HostUnreachable', 'Gone.') },
      { status: 'FAILED', error: 'HostUnreachable' },
    ],
  ])('%s starts another one for it once the lock is given back, and ends as it does', async (_, answers, expected) => {
    const table = tableWith();
    const executed = await remediate({
      input,
      table,
      policy: { 'member-failed': 'automatic' },
      found: [diagnosisOf('member-failed', 'space-exceeded'), diagnosisOf('space-exceeded')],
      answers: {
        ...answers,
        // It comes at the last moment.
        'Record how it ended': () => table.put({ ...table.lockOf('orders'), ...wordOf(missed) }),
        [AGAIN]: () => {
          expect(table.lockOf('orders')).toBeUndefined();
          return {};
        },
      },
    });
    expect(executed.ended).toMatchObject(expected);
    expect(callsOf(executed, AGAIN)).toEqual([missed]);
    expect(executed.visited.slice(-5, -1)).toEqual([
      'Give the lock back',
      'Did an alarm come in meanwhile?',
      AGAIN,
      'How did it end?',
    ]);
  });

  it('ends as it does where no other one can be started, and pages that', async () => {
    const table = tableWith();
    const { ended, pages } = await remediate({
      found: [HEALTHY],
      table,
      answers: {
        'Record how it ended': () => table.put({ ...table.lockOf('orders'), ...wordOf(missed) }),
        [AGAIN]: failure('StepFunctions.InvalidExecutionInputException', 'No.'),
      },
    });
    expect(ended).toMatchObject({ output: { outcome: 'NothingToDo' } });
    expect(table.lockOf('orders')).toBeUndefined();
    expect(pages).toMatchObject([
      {
        subject: 'CRITICAL: an alarm of the etcd cluster orders started nothing',
        message: expect.stringContaining(
          'none could be started for it.\n\nStepFunctions.InvalidExecutionInputException: No.\n\nStart one: npx --no etcd-remediation start orders',
        ),
      },
    ]);
  });
});
