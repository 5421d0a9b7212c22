import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../local/asl/json.ts';
import { statesOf, successors } from './definitions.ts';
import { isStartedAfter, rulesThatStart, stateMachineIdOf } from './event-rules.ts';
import { failure } from './execute.ts';
import { LockTable } from './lock-table.ts';
import {
  eventOf,
  lockOf,
  ME,
  OTHER,
  RELEASE_DEFINITION,
  recordsOf,
  release,
  remediate,
  tableWith,
} from './remediation-scene.ts';
import { ENTRY, FLEET, RELEASE, synthesizeStacks } from './stacks.ts';

const READ = ['Read the event', 'Was it for a cluster?'];
const LOOK = ['Look at the lock', 'Is it still held?'];
const GIVE_BACK = ['Record how it ended', 'Give the lock back', 'Did a person stop it?'];
const PAGE = 'Page that it was cut off';
const NO_LOCK = 'No lock to give back';
const RELEASED = 'Lock given back';

describe('the rule that gives locks back', () => {
  const stacks = synthesizeStacks(FLEET);

  it('hands each event as it is to the one state machine', () => {
    const idOf = (name: string) => stateMachineIdOf(stacks, name);
    expect(rulesThatStart(stacks, RELEASE)).toEqual([
      {
        Description: 'A remediation has ended otherwise than by its own way out',
        EventPattern: {
          source: ['aws.states'],
          'detail-type': ['Step Functions Execution Status Change'],
          detail: { stateMachineArn: [{ Ref: idOf(ENTRY) }], status: ['FAILED', 'ABORTED', 'TIMED_OUT'] },
        },
        State: 'ENABLED',
        Targets: [
          { Arn: { Ref: idOf(RELEASE) }, Id: 'Target0', RoleArn: { 'Fn::GetAtt': [expect.any(String), 'Arn'] } },
        ],
      },
    ]);
  });

  it.each([
    ['ABORTED', ENTRY, true],
    ['TIMED_OUT', ENTRY, true],
    // What it cannot catch ends it as well, such as data that are too large.
    ['FAILED', ENTRY, true],
    ['SUCCEEDED', ENTRY, false],
    ['ABORTED', 'etcd-remediation-space-reclaim', false],
    // It would start itself for ever.
    ['FAILED', RELEASE, false],
  ] as const)('on the embedded platform, for %s of %s: %s', (status, stateMachineName, isMatch) => {
    expect(isStartedAfter(stacks, RELEASE, status, stateMachineName)).toBe(isMatch);
  });
});

describe('the definition', () => {
  it('has a comment for each state', () => {
    for (const { name, state } of statesOf(RELEASE_DEFINITION)) expect(state, name).toHaveProperty('Comment');
  });

  it('ends in three ways', () => {
    const ends = statesOf(RELEASE_DEFINITION).filter(({ state }) => successors(state).length === 0);
    expect(ends.map(({ name }) => name).toSorted()).toEqual([RELEASED, NO_LOCK, 'Stop with the error'].toSorted());
  });
});

describe('a remediation that was ended from outside', () => {
  it.each<[string, number]>([
    ['ABORTED', 0],
    ['TIMED_OUT', 1],
    ['FAILED', 1],
  ])(
    'gives its lock back and is recorded, as %s; a person is paged where none has stopped it',
    async (status, pages) => {
      const event = eventOf(status, { cause: 'So it was.' });
      const executed = await release(event, { table: tableWith(lockOf(ME)) });
      expect(executed.visited).toEqual([
        ...READ,
        ...LOOK,
        ...GIVE_BACK,
        ...(pages > 0 ? [PAGE, 'Note that a person was called'] : []),
        RELEASED,
      ]);
      expect(executed.ended).toMatchObject({ status: 'SUCCEEDED' });
      expect(Object(executed.ended).output).toEqual({ outcome: 'Remediated', execution: ME });
      expect(executed.table.lockOf('orders')).toBeUndefined();
      expect(recordsOf(executed.table)).toEqual([
        {
          cluster: 'orders',
          id: '2024-12-31T23:00:00.000Z#run-1',
          remediation: 'run-1',
          owner: ME,
          startedAt: '2024-12-31T23:00:00.000Z',
          endedAt: expect.stringMatching(/^2025-01-01T/),
          outcome: status,
          report: { request: { cluster: 'orders', reason: 'INC-1' }, summary: 'So it was.' },
        },
      ]);
      expect(executed.pages).toMatchObject(
        [
          {
            subject: 'CRITICAL: a remediation of the etcd cluster orders was cut off',
            message: expect.stringMatching(
              new RegExp(
                `^The remediation of orders ended as ${status} before it was done\\. What was begun may be half done\\.\n\nSo it was\\.\n\n` +
                  'Read: npx --no etcd-remediation status run-1\nStart another one, which finishes it: npx --no etcd-remediation start orders --watch\n\n' +
                  `Execution: https://\\S+${ME}\nReport: https://\\S+remediations/run-1\\.html$`,
              ),
            ),
          },
        ].slice(0, pages),
      );
      expect(executed.table.isPaged('orders')).toBe(pages > 0);
    },
  );

  it('without a cause is recorded with none', async () => {
    const { table } = await release(eventOf('ABORTED'), { table: tableWith(lockOf(ME)) });
    expect(recordsOf(table)).toMatchObject([{ report: { summary: '' } }]);
  });

  it('keeps the record that it wrote itself, where it only did not get to give the lock back', async () => {
    const away = failure('DynamoDb.InternalServerErrorException', 'away');
    const { table, ended } = await remediate({
      answers: { 'Choose runbook': failure('UnsafeToProceed', 'No.'), 'Give the lock back': away },
    });
    expect(ended).toMatchObject({ status: 'FAILED', error: 'UnsafeToProceed' });
    const before = recordsOf(table);
    expect(before).toMatchObject([{ outcome: 'UnsafeToProceed' }]);
    await release(eventOf('FAILED'), { table });
    expect(recordsOf(table)).toEqual(before);
    expect(table.lockOf('orders')).toBeUndefined();
  });

  it.each([
    ['in one line', '{"cluster":"orders"}'],
    ['in several, as a console shows it', '{\n  "cluster": "orders",\n  "dryRun": false\n}'],
    ['with blanks around it', ' \n{"cluster":"orders"}\n'],
  ])('is found whatever its input looks like: %s', async (_, input) => {
    const executed = await release(eventOf('ABORTED', { input }), { table: tableWith(lockOf(ME)) });
    expect(executed.visited.at(-1)).toBe(RELEASED);
    expect(executed.table.lockOf('orders')).toBeUndefined();
  });
});

describe('a remediation that has no lock', () => {
  it.each<[string, JsonValue]>([
    ['names no cluster', '{"dryRun":true}'],
    ['names none that is one', '{"cluster":7}'],
    ['names an empty one', '{"cluster":""}'],
    ['is a list', '["orders"]'],
    ['is text', '"orders"'],
    ['is empty', ''],
    ['is no JSON', '{"cluster":'],
    ['was left out of the event, as one that is too long', null],
  ])('is nothing to look for, where its input %s', async (_, input) => {
    const table = tableWith(lockOf(ME));
    const executed = await release(eventOf('FAILED', { input }), { table });
    expect(executed.visited).toEqual([...READ, NO_LOCK]);
    expect(Object(executed.ended).output).toEqual({ outcome: 'NothingToDo', execution: ME });
    expect(table.lockOf('orders')).toEqual(lockOf(ME));
  });

  it.each([
    ['nobody has it', new LockTable()],
    ['another one has it', tableWith(lockOf(OTHER))],
  ])('leaves it, where %s', async (_, table) => {
    const before = table.lockOf('orders');
    const executed = await release(eventOf('FAILED'), { table });
    expect(executed.visited).toEqual([...READ, ...LOOK, NO_LOCK]);
    expect(table.lockOf('orders')).toEqual(before);
    expect(recordsOf(table)).toEqual([]);
    expect(executed.pages).toEqual([]);
  });

  it('leaves one that another one has taken over meanwhile', async () => {
    const table = tableWith(lockOf(ME));
    const answers = { 'Give the lock back': () => table.put(lockOf(OTHER)) };
    const executed = await release(eventOf('ABORTED'), { table, answers });
    expect(executed.visited.at(-1)).toBe(NO_LOCK);
    expect(table.lockOf('orders')).toEqual(lockOf(OTHER));
  });
});

describe('a lock', () => {
  const away = failure('DynamoDb.InternalServerErrorException', 'away');

  it.each(['Look at the lock', 'Give the lock back'])(
    'that cannot be given back is an error, and nothing worse: the next remediation takes it over (%s)',
    async (state) => {
      const executed = await release(eventOf('ABORTED'), { table: tableWith(lockOf(ME)), answers: { [state]: away } });
      expect(executed.ended).toMatchObject({ status: 'FAILED', error: 'DynamoDb.InternalServerErrorException' });
      const next = await remediate({
        name: 'run-2',
        table: executed.table,
        answers: { 'Look at the holder': { Status: 'ABORTED' } },
      });
      expect(next.ended).toMatchObject({ output: { outcome: 'NothingToDo' } });
    },
  );

  it.each(['Look at the lock', 'Record how it ended', 'Give the lock back'])(
    'is given back once DynamoDB answers: %s',
    async (state) => {
      const executed = await release(eventOf('ABORTED'), {
        table: tableWith(lockOf(ME)),
        answers: { [state]: [away, away] },
      });
      expect(executed.visited.at(-1)).toBe(RELEASED);
      expect(executed.waitsMs).toEqual([1_000, 2_000]);
    },
  );

  it.each([
    ['recorded', 'Record how it ended', away],
    ['paged', PAGE, failure('SNS.InternalErrorException', 'not now')],
  ])('is given back though it cannot be %s', async (_, state, error) => {
    const executed = await release(eventOf('TIMED_OUT'), { table: tableWith(lockOf(ME)), answers: { [state]: error } });
    expect(executed.visited.at(-1)).toBe(RELEASED);
    expect(executed.table.lockOf('orders')).toBeUndefined();
  });
});
