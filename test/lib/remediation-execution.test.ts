import { describe, expect, it } from 'vitest';
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
import { CLUSTER, callsOf } from './replacement-scene.ts';

const BEGIN = ['Load cluster', 'Take the lock'];
const LOOK = ['Diagnose cluster', 'Choose runbook', 'Is there anything to do?'];
const RUN_SPACE = ['Which runbook?', 'Run space-reclaim', 'Was it a dry run?', 'Note what it came to'];
const END = ['Record how it ended', 'Give the lock back', 'How did it end?'];
const FAIL = ['Note the error', 'Has somebody only looked?', 'Page that it has failed', ...END];
const RAISE = 'Stop with the error that ended it';
const AUTOMATIC = { 'member-failed': 'automatic' } as const;

const HEALTHY = diagnosisOf('healthy');
const FULL = diagnosisOf('space-exceeded');
const FAILED = diagnosisOf('member-failed');

/** What every report says of who wanted it. */
const ASKED = { cluster: 'orders', reason: 'INC-1', requestedBy: 'ann', approvals: [] };
const REQUEST = { ...INPUT, dryRun: false };
const SPACE_ROUND = {
  incident: 'space-exceeded',
  runbook: 'space-reclaim',
  execution: nestedArn('space-exceeded'),
  outcome: 'Remediated',
  report: { outcome: 'Remediated', runbook: 'space-reclaim' },
};
const MEMBER_ROUND = {
  incident: 'member-failed',
  runbook: 'member-replacement',
  execution: nestedArn('member-failed'),
  outcome: 'Remediated',
  report: { outcome: 'Remediated', runbook: 'member-replacement' },
};

describe('a remediation', () => {
  it('of a healthy cluster looks, and has nothing to do', async () => {
    const executed = await remediate();
    expect(executed.visited).toEqual([...BEGIN, ...LOOK, 'Note the outcome', ...END, 'Nothing to do']);
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED' });
    expect(Object(executed.ended).output).toEqual({
      ...ASKED,
      outcome: 'NothingToDo',
      summary: 'healthy was seen.',
      rounds: [],
      diagnosis: HEALTHY,
      remaining: [],
    });
    expect(executed.pages).toEqual([]);
    expect(executed.table.lockOf('orders')).toBeUndefined();
  });

  it('of one incident runs its runbook, and looks again', async () => {
    const executed = await remediate({ found: [FULL, HEALTHY] });
    expect(executed.visited).toEqual([
      ...[...BEGIN, ...LOOK, ...RUN_SPACE],
      ...[...LOOK, 'Note the outcome', ...END, 'Remediated'],
    ]);
    expect(Object(executed.ended).output).toEqual({
      ...ASKED,
      outcome: 'Remediated',
      summary: 'healthy was seen.',
      rounds: [SPACE_ROUND],
      diagnosis: HEALTHY,
      remaining: [],
    });
  });

  it('of two incidents runs both runbooks, one after the other', async () => {
    const found = [diagnosisOf('space-exceeded', 'member-failed'), FAILED, HEALTHY];
    const executed = await remediate({ found, policy: AUTOMATIC });
    expect(runsOf(executed)).toEqual(['Run space-reclaim', 'Run member-replacement']);
    expect(Object(executed.ended).output).toMatchObject({
      outcome: 'Remediated',
      rounds: [SPACE_ROUND, MEMBER_ROUND],
      remaining: [],
    });
  });

  it('of a named incident leaves the others, and says so', async () => {
    const executed = await remediate({
      input: { ...INPUT, incident: 'auth-token-invalid' },
      found: [diagnosisOf('space-exceeded', 'auth-token-invalid'), FULL],
    });
    expect(runsOf(executed)).toEqual(['Run auth-token-reset']);
    expect(Object(executed.ended).output).toMatchObject({ outcome: 'Remediated', remaining: ['space-exceeded'] });
  });

  it('gives each step what it needs', async () => {
    const executed = await remediate({ found: [FULL, HEALTHY] });
    expect(callsOf(executed, 'Load cluster')).toEqual([{ execution: 'run-1', input: INPUT }]);
    expect(callsOf(executed, 'Diagnose cluster')).toEqual([{ cluster: CLUSTER }, { cluster: CLUSTER }]);
    expect(callsOf(executed, 'Choose runbook')).toMatchObject([
      {
        cluster: CLUSTER,
        request: REQUEST,
        diagnosis: { incident: 'space-exceeded', others: [] },
        rounds: [],
        runbooks: {
          'space-exceeded': { runbook: 'space-reclaim', policy: 'automatic' },
          'auth-token-invalid': { runbook: 'auth-token-reset', policy: 'automatic' },
          'member-failed': { runbook: 'member-replacement', policy: 'approval' },
          'quorum-lost': { runbook: 'quorum-recovery', policy: 'approval' },
        },
      },
      { rounds: [{ incident: 'space-exceeded', outcome: 'Remediated' }] },
    ]);
    expect(callsOf(executed, 'Run space-reclaim')).toEqual([{ ...REQUEST, incident: 'space-exceeded' }]);
  });

  it('is recorded: who wanted it, and what came of it', async () => {
    const { table } = await remediate({ found: [FULL, HEALTHY] });
    expect(recordsOf(table)).toEqual([
      {
        cluster: 'orders',
        id: `${STARTED_AT}#run-1`,
        remediation: 'run-1',
        owner: ME,
        startedAt: STARTED_AT,
        endedAt: expect.stringMatching(/^2025-01-01T00:00:00/),
        outcome: 'Remediated',
        report: {
          request: REQUEST,
          approvals: [],
          outcome: 'Remediated',
          summary: 'healthy was seen.',
          rounds: [SPACE_ROUND],
          remaining: [],
        },
      },
    ]);
  });

  it.each(['space-reclaim', 'auth-token-reset', 'member-replacement', 'quorum-recovery'])(
    'has a way to the runbook %s',
    async (runbook) => {
      const incidents = {
        'space-reclaim': 'space-exceeded',
        'auth-token-reset': 'auth-token-invalid',
        'member-replacement': 'member-failed',
        'quorum-recovery': 'quorum-lost',
      } as const;
      const found = [diagnosisOf(incidents[runbook as keyof typeof incidents]), HEALTHY];
      const executed = await remediate({ found, policy: { ...AUTOMATIC, 'quorum-lost': 'automatic' } });
      expect(runsOf(executed)).toEqual([`Run ${runbook}`]);
    },
  );
});

describe('a dry run', () => {
  const input = { ...INPUT, dryRun: true };
  const plan = { outcome: 'Planned', runbook: 'member-replacement', steps: ['look', 'act'] };

  it("ends with the runbook's plan, and runs nothing else", async () => {
    const executed = await remediate({ input, found: [diagnosisOf('member-failed', 'auth-token-invalid')] });
    expect(runsOf(executed)).toEqual(['Run member-replacement dry']);
    expect(executed.visited.slice(-5)).toEqual(['Note the plan', ...END, 'Planned']);
    expect(Object(executed.ended).output).toMatchObject({
      outcome: 'Planned',
      summary: 'member-failed and auth-token-invalid was seen.',
      rounds: [{ ...MEMBER_ROUND, outcome: 'Planned', report: plan }],
      remaining: ['member-failed', 'auth-token-invalid'],
    });
    expect(recordsOf(executed.table)).toMatchObject([{ outcome: 'Planned' }]);
    expect(executed.pages).toEqual([]);
  });

  it('of an incident that nobody sees says that nothing is left', async () => {
    const executed = await remediate({ input: { ...input, incident: 'member-failed' } });
    expect(Object(executed.ended).output).toMatchObject({ outcome: 'Planned', remaining: [] });
  });

  it('that its runbook has nothing to do for ends so', async () => {
    const executed = await remediate({
      input: { ...input, incident: 'member-failed' },
      found: [HEALTHY, HEALTHY],
      answers: { 'Run member-replacement': { outcome: 'NothingToDo' } },
    });
    expect(Object(executed.ended).output).toMatchObject({
      outcome: 'NothingToDo',
      rounds: [{ outcome: 'NothingToDo' }],
    });
  });

  it('that fails is recorded, and pages nobody: whoever started it reads it', async () => {
    const executed = await remediate({
      input,
      found: [FULL],
      answers: {
        'Run space-reclaim': ended('space-exceeded', 'FAILED', { Error: 'PreconditionFailed', Cause: 'No.' }),
      },
    });
    expect(executed.ended).toMatchObject({ status: 'FAILED', error: 'PreconditionFailed' });
    expect(executed.pages).toEqual([]);
    expect(recordsOf(executed.table)).toMatchObject([{ outcome: 'PreconditionFailed' }]);
  });
});

describe('a runbook', () => {
  const inItsWords = ` (${nestedArn('space-exceeded')})`;
  const long = 'x'.repeat(40_000);

  it.each([
    [
      'that fails ends it under the same name, with its words and where to read more',
      ended('space-exceeded', 'FAILED', { Error: 'UnsafeToProceed', Cause: 'Members differ.' }),
      'UnsafeToProceed',
      `Members differ.${inItsWords}`,
    ],
    [
      'whose error is not named ends it as what it is',
      ended('space-exceeded', 'FAILED'),
      'States.TaskFailed',
      `The execution ended as FAILED.${inItsWords}`,
    ],
    [
      'that a person has stopped ends it as stopped',
      ended('space-exceeded', 'ABORTED', { Error: '', Cause: '' }),
      'ABORTED',
      `The execution ended as ABORTED.${inItsWords}`,
    ],
    [
      'that a person has stopped for a reason ends it with the reason',
      ended('space-exceeded', 'ABORTED', { Cause: 'Not now.' }),
      'ABORTED',
      `Not now.${inItsWords}`,
    ],
    [
      'that took too long ends it as that',
      ended('space-exceeded', 'TIMED_OUT'),
      'TIMED_OUT',
      `The execution ended as TIMED_OUT.${inItsWords}`,
    ],
    [
      'of which nothing is told ends it as the failure that it is',
      failure('StepFunctions.ExecutionDoesNotExistException', 'gone'),
      'StepFunctions.ExecutionDoesNotExistException',
      '{"errorType":"StepFunctions.ExecutionDoesNotExistException","errorMessage":"gone","trace":["at x"]}',
    ],
  ])('%s', async (_, answer, error, cause) => {
    const executed = await remediate({ found: [FULL], answers: { 'Run space-reclaim': answer } });
    expect(executed.visited).toEqual([...BEGIN, ...LOOK, 'Which runbook?', 'Run space-reclaim', ...FAIL, RAISE]);
    expect(executed.ended).toMatchObject({ status: 'FAILED', error, cause });
    expect(executed.pages).toEqual([
      {
        subject: 'CRITICAL: an etcd cluster could not be remediated',
        message: `The remediation of the etcd cluster orders ended with ${error}: ${cause} (${ME})`,
      },
    ]);
    expect(recordsOf(executed.table)).toMatchObject([{ outcome: error, report: { summary: cause, rounds: [] } }]);
    expect(executed.table.lockOf('orders')).toBeUndefined();
    // Its failure is no reason to run it again.
    expect(runsOf(executed)).toHaveLength(1);
  });

  it('whose failure was cut off, so that it is JSON no more, still ends it under its own name', async () => {
    const { error, cause } = ended('space-exceeded', 'FAILED', { Error: 'VerificationFailed', Cause: long });
    const cut = Object.assign(ended('space-exceeded', 'FAILED'), { error, cause: cause.slice(0, 32_768) });
    const executed = await remediate({ found: [FULL], answers: { 'Run space-reclaim': cut } });
    expect(executed.ended).toMatchObject({
      status: 'FAILED',
      error: 'VerificationFailed',
      cause: cut.cause.slice(0, 32_000),
    });
    expect(executed.pages[0]?.message).toContain('orders ended with VerificationFailed: {"ExecutionArn":');
    expect(executed.table.lockOf('orders')).toBeUndefined();
  });

  it('that fails in the second round is told with what the first has done', async () => {
    const executed = await remediate({
      found: [FULL, FAILED],
      policy: AUTOMATIC,
      answers: {
        'Run member-replacement': ended('member-failed', 'FAILED', { Error: 'HostUnreachable', Cause: 'Gone.' }),
      },
    });
    expect(executed.ended).toMatchObject({ status: 'FAILED', error: 'HostUnreachable' });
    expect(recordsOf(executed.table)).toMatchObject([{ report: { rounds: [SPACE_ROUND] } }]);
  });

  it.each(['StepFunctions.ExecutionLimitExceededException', 'StepFunctions.AWSStepFunctionsException'])(
    'that AWS cannot start now is started again: %s',
    async (name) => {
      const executed = await remediate({
        found: [FULL, HEALTHY],
        answers: {
          'Run space-reclaim': [failure(name, 'not now'), failure(name, 'not now'), { outcome: 'Remediated' }],
        },
      });
      expect(executed.ended).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'Remediated' } });
      expect(executed.waitsMs).toEqual([1_000, 2_000]);
    },
  );
});

describe('what is not to be gone on with', () => {
  it('is a cluster whose members differ: nothing is run, a person is paged', async () => {
    const executed = await remediate({ found: [diagnosisOf('data-corrupt', 'space-exceeded')] });
    expect(runsOf(executed)).toEqual([]);
    expect(executed.visited).toEqual([...BEGIN, 'Diagnose cluster', 'Choose runbook', ...FAIL, RAISE]);
    expect(executed.ended).toMatchObject({ status: 'FAILED', error: 'UnsafeToProceed' });
    expect(executed.pages).toMatchObject([
      {
        message: expect.stringContaining(
          'orders ended with UnsafeToProceed: data-corrupt and space-exceeded was seen.',
        ),
      },
    ]);
    expect(executed.table.lockOf('orders')).toBeUndefined();
  });

  it('is a cluster whose members differ after the first round', async () => {
    const executed = await remediate({ found: [FULL, diagnosisOf('data-corrupt', 'member-failed')] });
    expect(runsOf(executed)).toEqual(['Run space-reclaim']);
    expect(executed.ended).toMatchObject({ status: 'FAILED', error: 'UnsafeToProceed' });
  });

  it('is an incident that comes back each time', async () => {
    const executed = await remediate({ found: [FULL, FULL, FULL] });
    expect(runsOf(executed)).toEqual(['Run space-reclaim', 'Run space-reclaim']);
    expect(executed.ended).toMatchObject({ status: 'FAILED', error: 'VerificationFailed' });
  });

  it('is a cluster that cannot be diagnosed', async () => {
    const executed = await remediate({ answers: { 'Diagnose cluster': failure('PreconditionFailed', 'No secret.') } });
    expect(executed.ended).toMatchObject({ status: 'FAILED', error: 'PreconditionFailed', cause: 'No secret.' });
    expect(executed.pages).toHaveLength(1);
  });
});

describe('the way out', () => {
  const FAILS = failure('SNS.InternalErrorException', 'not now');
  const NO_TABLE = failure('DynamoDb.InternalServerErrorException', 'not now');
  const everything = {
    'Run space-reclaim': ended('space-exceeded', 'FAILED', { Error: 'HostUnreachable', Cause: 'Gone.' }),
  };

  it.each<[string, Record<string, unknown>]>([
    ['no page can be sent', { 'Page that it has failed': FAILS }],
    ['no record can be written', { 'Record how it ended': NO_TABLE }],
    ['neither can', { 'Page that it has failed': FAILS, 'Record how it ended': NO_TABLE }],
  ])('gives the lock back and keeps the error where %s', async (_, answers) => {
    const executed = await remediate({ found: [FULL], answers: { ...everything, ...answers } });
    expect(executed.ended).toMatchObject({ status: 'FAILED', error: 'HostUnreachable' });
    expect(executed.table.lockOf('orders')).toBeUndefined();
  });

  it.each<[string, Record<string, unknown>, object]>([
    ['an error', everything, { status: 'FAILED', error: 'HostUnreachable' }],
    ['an outcome', {}, { status: 'SUCCEEDED', output: { outcome: 'Remediated' } }],
  ])('ends with what it was, %s, where the lock cannot be given back', async (_, answers, expected) => {
    const found = [FULL, HEALTHY];
    const executed = await remediate({ found, answers: { ...answers, 'Give the lock back': NO_TABLE } });
    expect(executed.ended).toMatchObject(expected);
    expect(executed.table.lockOf('orders')).toMatchObject({ owner: { S: ME } });
  });

  it('leaves the lock of another one alone', async () => {
    const taken = { cluster: { S: 'orders' }, id: { S: 'lock' }, owner: { S: 'another' } };
    const table = new LockTable();
    const executed = await remediate({
      found: [FULL, HEALTHY],
      answers: {
        'Run space-reclaim': () => {
          table.put(taken);
          return { outcome: 'Remediated' };
        },
      },
      table,
    });
    expect(executed.ended).toMatchObject({ output: { outcome: 'Remediated' } });
    expect(executed.table.lockOf('orders')).toEqual(taken);
    // A condition that does not hold is an answer: it is not asked again.
    expect(executed.waitsMs).toEqual([]);
  });
});
