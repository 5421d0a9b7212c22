import { describe, expect, it } from 'vitest';
import { failure } from './execute.ts';
import { LockTable } from './lock-table.ts';
import { diagnosisOf, ended, INPUT, ME, nestedArn, recordsOf, remediate, runsOf } from './remediation-scene.ts';
import { callsOf } from './replacement-scene.ts';

const BEGIN = ['Load cluster', 'Take the lock'];
const LOOK = ['Diagnose cluster', 'Choose runbook', 'Is there anything to do?'];
const END = ['Record how it ended', 'Give the lock back', 'Did an alarm come in meanwhile?', 'How did it end?'];
const FAIL = [
  'Record the error',
  'Is a page needed?',
  'Page that it has failed',
  'Note that a person was called',
  ...END,
];
const FAILS = 'May another incident have stopped it?';
const RAISE = 'Stop with the error that ended it';
const AUTOMATIC = { 'member-failed': 'automatic' } as const;

const HEALTHY = diagnosisOf('healthy');
const FULL = diagnosisOf('space-exceeded');
const FAILED = diagnosisOf('member-failed');

/** Of a member's replacement. */
function failedRound(outcome: string, cause: string) {
  return {
    incident: 'member-failed',
    runbook: 'member-replacement',
    execution: nestedArn('member-failed'),
    outcome,
    report: { summary: `${cause} (${nestedArn('member-failed')})` },
  };
}

const SPACE_ROUND = {
  incident: 'space-exceeded',
  runbook: 'space-reclaim',
  execution: nestedArn('space-exceeded'),
  outcome: 'Remediated',
  report: { outcome: 'Remediated', runbook: 'space-reclaim' },
};

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
    expect(executed.visited).toEqual([...BEGIN, ...LOOK, 'Which runbook?', 'Run space-reclaim', FAILS, ...FAIL, RAISE]);
    expect(executed.ended).toMatchObject({ status: 'FAILED', error, cause });
    expect(executed.pages).toMatchObject([
      {
        subject: 'CRITICAL: the etcd cluster orders could not be remediated',
        message: expect.stringMatching(
          /^The remediation of .*\nReport: https:\/\/console\.aws\.amazon\.com\/s3\/object\/\S+prefix=remediations\/run-1\.html$/s,
        ),
      },
    ]);
    // Its ARN, and what is JSON, is for programs.
    const [told] = cause.replace(inItsWords, '').split('{');
    expect(executed.pages[0]?.message).toContain(`The remediation of orders ended with ${error}: ${told}`);
    expect(executed.table.isPaged('orders')).toBe(true);
    expect(recordsOf(executed.table)).toMatchObject([{ outcome: error, report: { summary: cause, rounds: [] } }]);
    expect(executed.table.lockOf('orders')).toBeUndefined();
    // Its failure is no reason to run it again.
    expect(runsOf(executed)).toHaveLength(1);
  });

  it('whose failure was cut off, so that it is JSON no more, still ends it under its own name', async () => {
    const { error, cause } = ended('space-exceeded', 'FAILED', { Error: 'VerificationFailed', Cause: long });
    const cut = Object.assign(ended('space-exceeded', 'FAILED'), { error, cause: cause.slice(0, 32_768) });
    const executed = await remediate({ found: [FULL, FULL], answers: { 'Run space-reclaim': cut } });
    expect(executed.ended).toMatchObject({
      status: 'FAILED',
      error: 'VerificationFailed',
      cause: cut.cause.slice(0, 30_000),
    });
    expect(executed.pages[0]?.message).toContain('orders ended with VerificationFailed: …\n');
    expect(executed.table.lockOf('orders')).toBeUndefined();
  });

  it('that fails in the second round is told with what the first has done', async () => {
    const executed = await remediate({
      found: [FULL, FAILED, FAILED],
      policy: AUTOMATIC,
      answers: {
        'Run member-replacement': ended('member-failed', 'FAILED', { Error: 'HostUnreachable', Cause: 'Gone.' }),
      },
    });
    expect(executed.ended).toMatchObject({ status: 'FAILED', error: 'HostUnreachable' });
    expect(recordsOf(executed.table)).toMatchObject([
      { report: { rounds: [SPACE_ROUND, { ...failedRound('HostUnreachable', 'Gone.') }] } },
    ]);
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

describe('a runbook that another incident has stopped', () => {
  const bySpace = ended('member-failed', 'FAILED', { Error: 'PreconditionFailed', Cause: 'The store is full.' });

  it('is run again once that is remediated', async () => {
    const executed = await remediate({
      found: [FAILED, diagnosisOf('space-exceeded', 'member-failed'), FAILED, HEALTHY],
      policy: AUTOMATIC,
      answers: { 'Run member-replacement': [bySpace, { outcome: 'Remediated' }] },
    });
    expect(runsOf(executed)).toEqual(['Run member-replacement', 'Run space-reclaim', 'Run member-replacement']);
    expect(executed.ended).toMatchObject({
      status: 'SUCCEEDED',
      output: {
        outcome: 'Remediated',
        rounds: [
          failedRound('PreconditionFailed', 'The store is full.'),
          SPACE_ROUND,
          { incident: 'member-failed', outcome: 'Remediated' },
        ],
        remaining: [],
      },
    });
    expect(executed.pages).toEqual([]);
  });

  it('is run again as it was approved, and nobody is asked twice', async () => {
    const plan = { outcome: 'Planned', targets: ['node3'], removeIds: ['a3'] };
    const executed = await remediate({
      found: [FAILED, FAILED, FULL, HEALTHY, HEALTHY],
      answers: {
        'Run member-replacement': [plan, bySpace, { outcome: 'Remediated' }],
        'Wait for an approval': { decision: 'approve', by: 'ann', reason: '' },
      },
    });
    expect(runsOf(executed)).toEqual([
      'Run member-replacement dry',
      'Run member-replacement',
      'Run space-reclaim',
      'Run member-replacement',
    ]);
    expect(callsOf(executed, 'Run member-replacement').at(-1)).toMatchObject({
      parameters: { onlyMembers: ['node3'], removeOnly: ['a3'] },
    });
    expect(Object(executed.ended).output).toMatchObject({ outcome: 'Remediated' });
  });

  it.each([
    ['where the diagnosis finds no other', [FAILED, FAILED]],
    ['where the diagnosis finds nothing', [FAILED, HEALTHY]],
    ['where the cluster cannot be diagnosed any more', [FAILED, failure('EtcdUnavailable', 'Nobody answers.')]],
  ])('ends with its own error %s', async (_, found) => {
    const executed = await remediate({
      policy: AUTOMATIC,
      answers: { 'Diagnose cluster': found, 'Run member-replacement': bySpace },
    });
    expect(runsOf(executed)).toEqual(['Run member-replacement']);
    expect(executed.visited.slice(-FAIL.length - 2)).toEqual(['End with the error of the runbook', ...FAIL, RAISE]);
    expect(executed.ended).toMatchObject({
      status: 'FAILED',
      error: 'PreconditionFailed',
      cause: `The store is full. (${nestedArn('member-failed')})`,
    });
    expect(executed.pages).toHaveLength(1);
    expect(executed.table.lockOf('orders')).toBeUndefined();
  });

  it.each<[string, Record<string, unknown>]>([
    ['which was the one that was asked for', { incident: 'member-failed' }],
    ['in a dry run', { dryRun: true }],
  ])('ends with its error at once %s', async (_, more) => {
    const executed = await remediate({
      input: { ...INPUT, ...more },
      found: [FAILED],
      policy: AUTOMATIC,
      answers: { 'Run member-replacement': bySpace },
    });
    expect(executed.ended).toMatchObject({ status: 'FAILED', error: 'PreconditionFailed' });
  });
});

describe('what is not to be gone on with', () => {
  it('is a cluster whose members differ, for whoever asked for something else: nothing is run, a person is paged', async () => {
    const executed = await remediate({
      found: [diagnosisOf('data-corrupt', 'space-exceeded')],
      input: { cluster: 'orders', incident: 'space-exceeded' },
    });
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
  const NO_PAGE = failure('SNS.InternalErrorException', 'not now');
  const NO_TABLE = failure('DynamoDb.InternalServerErrorException', 'not now');
  const everything = {
    'Run space-reclaim': ended('space-exceeded', 'FAILED', { Error: 'UnsafeToProceed', Cause: 'Stop.' }),
  };

  it.each<[string, Record<string, unknown>]>([
    ['no page can be sent', { 'Page that it has failed': NO_PAGE }],
    ['no record can be written', { 'Record how it ended': NO_TABLE }],
    ['neither can', { 'Page that it has failed': NO_PAGE, 'Record how it ended': NO_TABLE }],
  ])('gives the lock back and keeps the error where %s', async (_, answers) => {
    const executed = await remediate({ found: [FULL], answers: { ...everything, ...answers } });
    expect(executed.ended).toMatchObject({ status: 'FAILED', error: 'UnsafeToProceed' });
    expect(executed.table.lockOf('orders')).toBeUndefined();
  });

  it.each<[string, Record<string, unknown>, object]>([
    ['an error', everything, { status: 'FAILED', error: 'UnsafeToProceed' }],
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
