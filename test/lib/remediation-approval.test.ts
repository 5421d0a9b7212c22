import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../local/asl/json.ts';
import {
  AGAIN,
  APPROVED,
  ASK,
  ask,
  FAIL,
  FAILED,
  FULL,
  HEALTHY,
  LOST,
  NOT_ACTED,
  PLAN,
  REJECTED,
  RUN,
  UNTIL_ASKED,
} from './approval-scene.ts';
import { failure } from './execute.ts';
import { LockTable } from './lock-table.ts';
import {
  diagnosisOf,
  ended,
  INPUT,
  ME,
  nestedArn,
  recordsOf,
  remediate,
  runsOf,
  STARTED_AT,
} from './remediation-scene.ts';

describe('a runbook that has to be approved', () => {
  it('says first what it would do, and runs once that is approved', async () => {
    const executed = await ask(APPROVED);
    expect(executed.visited.slice(0, UNTIL_ASKED.length + 7)).toEqual([
      ...[...UNTIL_ASKED, 'Is it approved?', 'Withdraw the question'],
      ...[...AGAIN, 'Which runbook?', RUN],
    ]);
    expect(runsOf(executed)).toEqual([`${RUN} dry`, RUN]);
    expect(executed.pages.map(({ subject }) => subject)).toEqual([
      'APPROVAL WANTED: the etcd cluster orders has member-failed',
      'RESOLVED: the etcd cluster orders is remediated',
    ]);
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
    expect(pages[0]).toMatchObject({
      subject: 'APPROVAL WANTED: the etcd cluster orders has member-failed',
      message:
        'orders has member-failed: member-failed was seen.\n\nPlan:\n- look\n- act\n\nLoss: nothing that etcd has acknowledged.\n\n' +
        'Approve: npx --no etcd-remediation approve run-1\nReject: npx --no etcd-remediation reject run-1 --reason WHY\n' +
        `Until then this runbook changes nothing. It ends in 4 hours.\n\nExecution: https://console.aws.amazon.com/states/home?region=local#/v2/executions/details/${ME}`,
    });
  });

  it('tells in it what is lost, and no line of JSON', async () => {
    const loss = { keptRevision: '42', atMostWrites: 7, explanation: 'At most 7 writes are lost.' };
    const { pages } = await ask(APPROVED, {
      answers: {
        [RUN]: (input: JsonValue) =>
          Object(input).dryRun ? { ...PLAN, plan: ['act'], loss } : { outcome: 'Remediated' },
      },
    });
    const [{ message } = { message: '' }] = pages as { message: string }[];
    expect(message).toContain('Plan:\n- act\n\nLoss: At most 7 writes are lost.\n\nApprove: ');
    expect(message).not.toMatch(/[{}"]/);
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
    expect(executed.pages).toMatchObject([{ subject: 'RESOLVED: the etcd cluster orders is remediated' }]);
    expect(Object(executed.ended).output).toMatchObject({ outcome: 'Remediated' });
  });
});

describe('a rejection', () => {
  it('ends it, under its own name, with who has rejected it and why', async () => {
    const executed = await ask(REJECTED);
    const unpaged = FAIL.filter(
      (state) => !['Page that it has failed', 'Note that a person was called'].includes(state),
    );
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

  it('is none where nobody was asked: then nobody is named', async () => {
    const executed = await ask({ decision: 'reject', by: '', reason: 'look at the plan above, then give --approve.' });
    expect(executed.ended).toMatchObject({
      error: 'ApprovalRejected',
      cause:
        'Nobody has approved of the runbook for member-failed: look at the plan above, then give --approve. Nothing was changed by it.',
    });
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
    expect(inputs).toMatchObject([
      { dryRun: true },
      { dryRun: false, parameters: { onlyMembers: ['node3'], removeOnly: ['a3'] } },
    ]);
    expect(Object(inputs[0]).parameters).toBeUndefined();
  });

  it('holds a recovery to what it would have restored', async () => {
    const plan = { outcome: 'Planned', winner: { member: 'node1', revision: '4029' }, leftOut: [] };
    const { calls } = await ask(APPROVED, {
      found: [LOST, LOST, HEALTHY],
      answers: {
        'Run quorum-recovery': (input: JsonValue) => (Object(input).dryRun ? plan : { outcome: 'Remediated' }),
      },
    });
    const inputs = calls.filter(({ step }) => step === 'Run quorum-recovery').map(({ input }) => input);
    expect(inputs[1]).toMatchObject({ dryRun: false, parameters: { atLeastRevision: '4029', leaveOutOnly: [] } });
  });

  it('of a recovery without a member holds it to that one', async () => {
    const leftOut = [{ member: 'node3', problem: 'not a managed node' }];
    const plan = { outcome: 'Planned', winner: { member: 'node1', revision: '4029' }, leftOut };
    const { calls, asked } = await ask(APPROVED, {
      input: { ...INPUT, incident: 'quorum-lost', parameters: { acceptFewerMembers: true } },
      policy: { 'quorum-lost': 'automatic' },
      found: [LOST, LOST, HEALTHY],
      answers: {
        'Run quorum-recovery': (input: JsonValue) => (Object(input).dryRun ? plan : { outcome: 'Remediated' }),
      },
    });
    expect(Object(asked[0]).approval.M.summary.S).toContain('Asked for: to recover without members');
    const inputs = calls.filter(({ step }) => step === 'Run quorum-recovery').map(({ input }) => input);
    expect(inputs).toMatchObject([{ dryRun: true }, { dryRun: false, parameters: { leaveOutOnly: ['node3'] } }]);
  });

  it('keeps what whoever started it had set', async () => {
    const parameters = { confirmSeconds: 7 };
    const { calls } = await ask(APPROVED, { input: { ...INPUT, incident: 'member-failed', parameters } });
    const inputs = calls.filter(({ step }) => step === RUN).map(({ input }) => input);
    expect(inputs[1]).toMatchObject({ parameters: { confirmSeconds: 7, onlyMembers: ['node3'], removeOnly: ['a3'] } });
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

  it('of a recovery that failed is none any more: which data is the newest may be another by then', async () => {
    const plan = { outcome: 'Planned', winner: { member: 'node1', revision: '4029' }, leftOut: [] };
    const executed = await ask([APPROVED, REJECTED], {
      found: [LOST, LOST, diagnosisOf('space-exceeded'), LOST],
      answers: {
        'Run quorum-recovery': [plan, ended('quorum-lost', 'FAILED', { Error: 'VerificationFailed' }), plan],
      },
    });
    expect(runsOf(executed)).toEqual([
      'Run quorum-recovery dry',
      'Run quorum-recovery',
      'Run space-reclaim',
      'Run quorum-recovery dry',
    ]);
    expect(executed.asked).toHaveLength(2);
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
