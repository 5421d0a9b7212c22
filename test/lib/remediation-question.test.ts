import { describe, expect, it } from 'vitest';
import {
  APPROVED,
  ASK,
  ask,
  FAIL,
  FAILED,
  FULL,
  HEALTHY,
  NOT_ACTED,
  PLAN,
  RUN,
  UNTIL_ASKED,
} from './approval-scene.ts';
import { failure } from './execute.ts';
import { LockTable } from './lock-table.ts';
import { INPUT, recordsOf, remediate, runsOf } from './remediation-scene.ts';

describe('nobody who answers', () => {
  const SLICES = 4 * 6;

  it('ends it after four hours, in which the cluster was looked at every ten minutes, without anything changed', async () => {
    const executed = await ask(undefined, { found: Array.from({ length: SLICES }, () => FAILED) });
    expect(executed.waitsMs).toEqual(Array.from({ length: SLICES }, () => 600_000));
    expect(executed.ended).toMatchObject({
      ...NOT_ACTED,
      error: 'ApprovalTimedOut',
      cause:
        'Nobody has answered within 4 hours whether the runbook for member-failed may run. Nothing was changed; start again. ' +
        'member-failed was seen.',
    });
    expect(runsOf(executed)).toEqual([`${RUN} dry`]);
    // The same question all the time, for which a person was called once.
    expect(new Set(executed.asked.map((lock) => Object(lock).approval.M.id.S))).toEqual(new Set(['1']));
    expect(executed.pages.map(({ subject }) => subject)).toEqual([
      'APPROVAL WANTED: the etcd cluster orders has member-failed',
      'CRITICAL: the etcd cluster orders could not be remediated',
    ]);
    expect(executed.table.lockOf('orders')).toBeUndefined();
  });

  it('keeps no store full: what needs no approval does not wait for one, and the question stays', async () => {
    const executed = await ask([undefined, APPROVED], { found: [FAILED, FULL, FAILED, FAILED, HEALTHY] });
    expect(runsOf(executed)).toEqual([`${RUN} dry`, 'Run space-reclaim', RUN]);
    expect(executed.asked).toHaveLength(2);
    expect(Object(executed.ended).output).toMatchObject({
      rounds: [{ incident: 'space-exceeded' }, { incident: 'member-failed' }],
    });
  });

  it('is not waited for where the incident is over, as two looks have found', async () => {
    const executed = await ask(undefined, { input: INPUT, found: [FAILED, FAILED, HEALTHY, HEALTHY] });
    expect(Object(executed.ended).output).toMatchObject({ outcome: 'NothingToDo', approvals: [] });
    expect(executed.asked).toHaveLength(3);
    expect(executed.table.lockOf('orders')).toBeUndefined();
  });
});

describe('an answer that is none', () => {
  it.each<[string, unknown]>([
    ['is empty', {}],
    ['is text', 'approve'],
    ['is yes', true],
    ['is a list', [{ decision: 'approve' }, { decision: 'approve' }]],
    ['decides otherwise', { decision: 'Approve', by: 'bob', reason: '' }],
    ['decides by a list', { decision: ['approve', 'reject'], by: 'bob', reason: '' }],
    ['is a failure', failure('Rubbish', 'What?')],
  ])('never runs anything: it %s', async (_, answer) => {
    const executed = await ask([answer]);
    expect(executed.ended).toMatchObject(NOT_ACTED);
    expect(runsOf(executed)).toEqual([`${RUN} dry`]);
    expect(executed.table.lockOf('orders')).toBeUndefined();
    expect(recordsOf(executed.table)).toHaveLength(1);
  });
});

describe('a question that cannot be asked', () => {
  it('is asked again while DynamoDB throttles', async () => {
    const throttled = failure('DynamoDb.ThrottlingException', 'Slow down.');
    const executed = await ask([throttled, throttled, APPROVED]);
    expect(Object(executed.ended).output).toMatchObject({ outcome: 'Remediated' });
    const tokens = executed.asked.map((lock) => Object(lock).approval.M.token.S);
    expect(new Set(tokens).size).toBe(3);
  });

  it("ends it, where the lock is another one's meanwhile", async () => {
    const taken = { cluster: { S: 'orders' }, id: { S: 'lock' }, owner: { S: 'another' } };
    const table = new LockTable();
    const executed = await remediate({
      found: [FAILED],
      table,
      answers: {
        [RUN]: () => {
          table.put(taken);
          return PLAN;
        },
        [ASK]: APPROVED,
      },
    });
    expect(executed.ended).toMatchObject({ status: 'FAILED', error: 'UnsafeToProceed' });
    const unreleased = FAIL.filter((state) => state !== 'Did an alarm come in meanwhile?');
    expect(executed.visited).toEqual([...UNTIL_ASKED, 'The lock is lost', ...unreleased]);
    expect(table.lockOf('orders')).toEqual(taken);
  });
});
