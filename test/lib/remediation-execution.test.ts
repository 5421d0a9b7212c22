import { describe, expect, it } from 'vitest';
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
const RUN_SPACE = ['Which runbook?', 'Run space-reclaim', 'Did the runbook only plan?', 'Record the round'];
const LEAVE = ['Record how it ended', 'Give the lock back', 'Did an alarm come in meanwhile?', 'How did it end?'];
const END = ['Is anything still wrong?', 'Forget that a person was called', 'Was a person called before?', ...LEAVE];
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
    expect(executed.visited).toEqual([...BEGIN, ...LOOK, 'Record the outcome', ...END, 'Nothing to do']);
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
      ...[...LOOK, 'Record the outcome', ...END, 'Remediated'],
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
    expect(callsOf(executed, 'Diagnose cluster')).toEqual([{ cluster: 'orders' }, { cluster: 'orders' }]);
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
    expect(executed.visited.slice(-7)).toEqual(['Record the plan', 'Is anything still wrong?', ...LEAVE, 'Planned']);
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
