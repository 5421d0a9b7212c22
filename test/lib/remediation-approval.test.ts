import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../local/asl/json.ts';
import { failure } from './execute.ts';
import { LockTable } from './lock-table.ts';
import { diagnosisOf, INPUT, ME, nestedArn, recordsOf, remediate, runsOf, STARTED_AT } from './remediation-scene.ts';

const HEALTHY = diagnosisOf('healthy');
const FAILED = diagnosisOf('member-failed');
const FULL = diagnosisOf('space-exceeded', 'member-failed');
const LOST = diagnosisOf('quorum-lost');
const PLAN = { outcome: 'Planned', runbook: 'member-replacement', targets: ['node3'], steps: ['look', 'act'] };
const APPROVED = { decision: 'approve', by: 'bob', reason: 'Go on.' };
const REJECTED = { decision: 'reject', by: 'bob', reason: 'Not on a Friday.' };
const ASK = 'Wait for an approval';
const RUN = 'Run member-replacement';
const UNTIL_ASKED = [
  ...['Load cluster', 'Take the lock', 'Diagnose cluster', 'Choose runbook', 'Is there anything to do?'],
  ...['Which runbook?', RUN, 'Was it a dry run?', 'Is a plan all that is wanted?'],
  ...['Note the question', 'Page that an approval is wanted', ASK],
];
/** What follows an approval: the runbook, from a fresh look. */
const AGAIN = ['Diagnose cluster', 'Choose runbook', 'Is there anything to do?'];
const FAIL = [
  ...['Note the error', 'Does whoever wants to know it know?', 'Page that it has failed'],
  ...[
    'Record how it ended',
    'Give the lock back',
    'Did an alarm come in meanwhile?',
    'How did it end?',
    'Stop with the error that ended it',
  ],
];
const NOT_ACTED = { status: 'FAILED' };

/** Asks, gets this answer, and notes the lock as it was at each question. */
async function ask(
  answer: unknown,
  { found = [FAILED, FAILED, HEALTHY], answers = {}, ...more }: Parameters<typeof remediate>[0] = {},
) {
  const table = new LockTable();
  const asked: Record<string, unknown>[] = [];
  const left = Array.isArray(answer) ? [...answer] : [answer];
  const executed = await remediate({
    found,
    table,
    answers: {
      [ASK]: () => {
        asked.push(JSON.parse(JSON.stringify(table.lockOf('orders'))));
        return left.shift();
      },
      [RUN]: (input: JsonValue) => (Object(input).dryRun ? PLAN : { outcome: 'Remediated' }),
      ...answers,
    },
    ...more,
  });
  return { ...executed, asked };
}

describe('a runbook that has to be approved', () => {
  it('says first what it would do, and runs once that is approved', async () => {
    const executed = await ask(APPROVED);
    expect(executed.visited.slice(0, UNTIL_ASKED.length + 7)).toEqual([
      ...[...UNTIL_ASKED, 'Is it approved?', 'Take the question back'],
      ...[...AGAIN, 'Which runbook?', RUN],
    ]);
    expect(runsOf(executed)).toEqual([`${RUN} dry`, RUN]);
    expect(executed.pages).toHaveLength(1);
    const approvals = [{ incident: 'member-failed', ...APPROVED, at: expect.stringMatching(/^2025-01-01T/) }];
    expect(Object(executed.ended).output).toMatchObject({
      outcome: 'Remediated',
      approvals,
      rounds: [{ outcome: 'Remediated', report: { outcome: 'Remediated' } }],
    });
    expect(recordsOf(executed.table)).toMatchObject([{ outcome: 'Remediated', report: { approvals } }]);
  });

  it('asks by a page, which has the plan and says how to answer', async () => {
    const { pages } = await ask(APPROVED);
    expect(pages).toEqual([
      {
        subject: 'APPROVAL WANTED: the etcd cluster orders has member-failed',
        message:
          'The etcd cluster orders has the incident member-failed: member-failed was seen. What would be done: ' +
          `${JSON.stringify(PLAN)} It waits for an answer: npx etcd-remediation approve run-1, or reject. This runbook changes nothing ` +
          'meanwhile, and it ends by itself after 4 hours.',
      },
    ]);
  });

  it('asks in the lock, where whoever answers finds the plan and the token', async () => {
    const { asked } = await ask(APPROVED);
    expect(asked).toEqual([
      {
        cluster: { S: 'orders' },
        id: { S: 'lock' },
        owner: { S: ME },
        remediation: { S: 'run-1' },
        startedAt: { S: STARTED_AT },
        expiresAt: { N: expect.stringMatching(/^\d+$/) },
        approval: {
          M: {
            id: { S: '1' },
            token: { S: expect.stringMatching(/^.{36}$/) },
            incident: { S: 'member-failed' },
            runbook: { S: 'member-replacement' },
            summary: { S: 'member-failed was seen.' },
            plan: { S: JSON.stringify(PLAN) },
            expiresAt: { S: '2025-01-01T04:00:00.000Z' },
          },
        },
      },
    ]);
  });

  it('takes the question back before it runs: nobody answers twice', async () => {
    const table = new LockTable();
    const questions: unknown[] = [];
    await remediate({
      found: [FAILED, FAILED, HEALTHY],
      table,
      answers: {
        [ASK]: APPROVED,
        [RUN]: (input: JsonValue) => {
          questions.push([Object(input).dryRun, table.lockOf('orders')?.approval]);
          return Object(input).dryRun ? PLAN : { outcome: 'Remediated' };
        },
      },
    });
    expect(questions).toEqual([
      [true, undefined],
      [false, undefined],
    ]);
  });

  it('asks anew in each round, for whoever has read the first plan does not approve of the second', async () => {
    const executed = await ask([APPROVED, REJECTED], {
      found: [LOST, LOST, FAILED],
    });
    expect(executed.asked.map((lock) => Object(lock).approval.M.id)).toEqual([{ S: '1' }, { S: '2' }]);
    const tokens = executed.asked.map((lock) => Object(lock).approval.M.token.S);
    expect(new Set(tokens).size).toBe(2);
    expect(runsOf(executed)).toEqual(['Run quorum-recovery dry', 'Run quorum-recovery', `${RUN} dry`]);
    expect(executed.ended).toMatchObject({ status: 'FAILED', error: 'ApprovalRejected' });
    expect(recordsOf(executed.table)).toMatchObject([
      {
        report: {
          approvals: [
            { incident: 'quorum-lost', decision: 'approve' },
            { incident: 'member-failed', decision: 'reject' },
          ],
          rounds: [{ incident: 'quorum-lost', outcome: 'Remediated', execution: nestedArn('quorum-lost') }],
        },
      },
    ]);
  });

  it('asks nobody where its dry run finds nothing to do', async () => {
    const executed = await ask(APPROVED, { answers: { [RUN]: { outcome: 'NothingToDo' } }, found: [FAILED, HEALTHY] });
    expect(executed.asked).toEqual([]);
    expect(Object(executed.ended).output).toMatchObject({ outcome: 'NothingToDo' });
  });

  it('asks nobody where its dry run fails', async () => {
    const executed = await ask(APPROVED, { answers: { [RUN]: failure('PreconditionFailed', 'No host.') } });
    expect(executed.asked).toEqual([]);
    expect(executed.ended).toMatchObject({ error: 'PreconditionFailed' });
  });

  it('waits as well where no page can be sent', async () => {
    const answers = { 'Page that an approval is wanted': failure('SNS.InternalErrorException', 'not now') };
    const executed = await ask(APPROVED, { answers });
    expect(executed.pages).toEqual([]);
    expect(Object(executed.ended).output).toMatchObject({ outcome: 'Remediated' });
  });
});

describe('a rejection', () => {
  it('ends it, under its own name, with who has rejected it and why', async () => {
    const executed = await ask(REJECTED);
    const unpaged = FAIL.filter((state) => state !== 'Page that it has failed');
    expect(executed.visited).toEqual([...UNTIL_ASKED, 'Is it approved?', 'It was rejected', ...unpaged]);
    // Whoever has rejected it knows.
    expect(executed.pages).toHaveLength(1);
    expect(executed.ended).toMatchObject({
      ...NOT_ACTED,
      error: 'ApprovalRejected',
      cause: 'bob has rejected the runbook for member-failed: Not on a Friday. Nothing was changed by it.',
    });
    expect(runsOf(executed)).toEqual([`${RUN} dry`]);
    expect(recordsOf(executed.table)).toMatchObject([
      { outcome: 'ApprovalRejected', report: { approvals: [{ ...REJECTED, incident: 'member-failed' }] } },
    ]);
    expect(executed.table.lockOf('orders')).toBeUndefined();
  });

  it('needs no reason', async () => {
    const executed = await ask({ ...REJECTED, reason: '' });
    expect(executed.ended).toMatchObject({
      cause: 'bob has rejected the runbook for member-failed. Nothing was changed by it.',
    });
  });
});

describe('an approval', () => {
  it('holds a replacement to the members that the plan named', async () => {
    const { calls } = await ask(APPROVED);
    const inputs = calls.filter(({ step }) => step === RUN).map(({ input }) => input);
    expect(inputs).toMatchObject([{ dryRun: true }, { dryRun: false, parameters: { onlyMembers: ['node3'] } }]);
    expect(Object(inputs[0]).parameters).toBeUndefined();
  });

  it('holds a recovery to what it would have restored', async () => {
    const plan = { outcome: 'Planned', winner: { member: 'node1', revision: '4029' } };
    const { calls } = await ask(APPROVED, {
      found: [LOST, LOST, HEALTHY],
      answers: {
        'Run quorum-recovery': (input: JsonValue) => (Object(input).dryRun ? plan : { outcome: 'Remediated' }),
      },
    });
    const inputs = calls.filter(({ step }) => step === 'Run quorum-recovery').map(({ input }) => input);
    expect(inputs[1]).toMatchObject({ dryRun: false, parameters: { atLeastRevision: '4029' } });
  });

  it('keeps what whoever started it had set', async () => {
    const parameters = { confirmSeconds: 7 };
    const { calls } = await ask(APPROVED, { input: { ...INPUT, incident: 'member-failed', parameters } });
    const inputs = calls.filter(({ step }) => step === RUN).map(({ input }) => input);
    expect(inputs[1]).toMatchObject({ parameters: { confirmSeconds: 7, onlyMembers: ['node3'] } });
  });

  it('is worth nothing for another incident that has come meanwhile, and is still there after one that needs none', async () => {
    const executed = await ask([APPROVED], { found: [FAILED, FULL, FAILED, HEALTHY] });
    expect(runsOf(executed)).toEqual([`${RUN} dry`, 'Run space-reclaim', RUN]);
    expect(executed.asked).toHaveLength(1);
    const other = await ask([APPROVED, REJECTED], { found: [FAILED, LOST] });
    expect(other.asked.map((lock) => Object(lock).approval.M.id)).toEqual([{ S: '1' }, { S: '2' }]);
    expect(runsOf(other)).toEqual([`${RUN} dry`, 'Run quorum-recovery dry']);
    expect(other.ended).toMatchObject({ error: 'ApprovalRejected' });
  });

  it('is used once: the same incident again is another question', async () => {
    const executed = await ask([APPROVED, REJECTED], { found: [FAILED, FAILED, FAILED] });
    expect(runsOf(executed)).toEqual([`${RUN} dry`, RUN, `${RUN} dry`]);
    expect(executed.asked.map((lock) => Object(lock).approval.M.id)).toEqual([{ S: '1' }, { S: '2' }]);
  });

  it('runs nothing where the incident is over', async () => {
    const executed = await ask(APPROVED, { found: [FAILED, HEALTHY] });
    expect(runsOf(executed)).toEqual([`${RUN} dry`]);
    expect(Object(executed.ended).output).toMatchObject({
      outcome: 'NothingToDo',
      approvals: [{ decision: 'approve' }],
    });
  });
});

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

describe('a cluster whose policy wants no approval', () => {
  it('is remediated without a question', async () => {
    const executed = await ask(undefined, {
      policy: { 'member-failed': 'automatic' },
      input: INPUT,
      found: [FAILED, HEALTHY],
    });
    expect(executed.asked).toEqual([]);
    expect(runsOf(executed)).toEqual([RUN]);
    expect(Object(executed.ended).output).toMatchObject({ outcome: 'Remediated', approvals: [] });
  });
});
