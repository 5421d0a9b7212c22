import { describe, expect, it } from 'vitest';
import { incidentReportSchema } from '../../report/incident-report.ts';
import { makeReport, type Recorded } from '../../report/make-report.ts';
import type { RecordedExecution } from '../../report/recorded.ts';
import { arnOf, at, executionOf, failed, succeeded } from './histories.ts';

const MEMBERS = 'etcd-remediation-member-replacement';
const SPACE = 'etcd-remediation-space-reclaim';
const QUORUM = 'etcd-remediation-quorum-recovery';
const NOW = new Date(at(90));
const COMMANDS = {
  diagnose: (cluster: string) => `look at ${cluster}`,
  remediate: (cluster: string, incident: string) => `remediate ${cluster} ${incident}`.trim(),
};

function reportOf(recorded: Partial<Recorded>) {
  const report = makeReport({ runbooks: [], commands: COMMANDS, now: NOW, ...recorded });
  expect(incidentReportSchema.parse(report)).toEqual(report);
  return report;
}

const ENDED = succeeded({ outcome: 'Remediated', summary: 'm3 is back.', remaining: [] });

const BACKUP = { name: 'orders-1', takenAt: at(0), ageSeconds: 90, revision: '3000', problem: '' };

/** A replacement that was approved of. */
const APPROVED = {
  entry: executionOf(
    'etcd-remediation',
    { input: { cluster: 'orders', reason: 'INC-7', requestedBy: 'ada' }, end: ENDED, until: 60 },
    {
      state: 'Diagnose cluster',
      ...{ from: 0, to: 4, step: 'diagnose-cluster', input: { cluster: 'orders' } },
      output: {
        incident: 'member-failed',
        summary: 'm3 does not answer.',
        members: [
          { name: 'm1', state: 'healthy', facts: 'leads, etcd 3.5.30' },
          { name: 'm3', state: 'failed', facts: '', problem: 'does not answer' },
        ],
        warnings: [{ kind: 'even-voters', message: 'Two voters are no better than one.' }],
        backup: BACKUP,
      },
      assigned: { diagnosis: { warnings: [{ message: 'Two voters are no better than one.' }] } },
    },
    { state: 'Run member-replacement', from: 4, to: 8, starts: arnOf(MEMBERS, 'plan'), said: { summary: 'Planned' } },
    { state: 'Page that an approval is wanted', from: 8, to: 9, resource: 'publish' },
    {
      state: 'Wait for an approval',
      ...{ from: 9, to: 29, resource: 'updateItem.waitForTaskToken', said: { summary: 'approve, by grace' } },
      assigned: {
        approvals: [{ incident: 'member-failed', decision: 'approve', by: 'grace', reason: '', at: at(29) }],
      },
    },
    {
      state: 'Run member-replacement',
      from: 30,
      to: 59,
      starts: arnOf(MEMBERS, 'act'),
      said: { summary: 'Remediated' },
    },
  ),
  runbooks: [
    executionOf(MEMBERS, {
      name: 'plan',
      input: { dryRun: true },
      end: succeeded({ outcome: 'Planned', summary: 'x' }),
    }),
    executionOf(
      MEMBERS,
      { name: 'act', end: succeeded({ outcome: 'Remediated', summary: 'm3 is back.' }) },
      {
        state: 'Move data aside',
        ...{ from: 31, to: 33, step: 'run-host-commands' },
        input: {
          command: 'archive-data-dir',
          commands: [
            { member: 'm3', host: 'h3', parameters: { dataDir: '/data', url: 'https://s3/?X-Amz-Signature=abc' } },
          ],
        },
        output: {
          summary: 'm3: moved',
          reports: [
            { member: 'm3', host: 'h3', result: { dataDir: "/data.old'1", walDir: '' }, error: '', problem: '' },
          ],
        },
        failures: [
          ['HostCommandRunning', 'still'],
          ['AwsUnavailable', 'SSM does not answer'],
        ],
      },
      {
        state: 'Wait for member',
        ...{ from: 33, to: 40, step: 'wait-for-member', input: { member: 'm3' } },
        output: { member: 'm3', raftAppliedIndex: '40', leaderAppliedIndex: '18446744073709551615', summary: 'At 40.' },
      },
    ),
  ],
};

describe('the report of a remediation', () => {
  it('tells what ran when, each runbook behind the state that has started it, with its tries', () => {
    const { timeline, cost } = reportOf(APPROVED);
    expect(timeline.map(({ state, kind, runbook }) => [state, kind, runbook])).toEqual([
      ['Diagnose cluster', 'step', ''],
      ['Run member-replacement', 'runbook', ''],
      ['Page that an approval is wanted', 'page', ''],
      ['Wait for an approval', 'approval', ''],
      ['Run member-replacement', 'runbook', ''],
      ['Move data aside', 'hosts', 'member-replacement'],
      ['Wait for member', 'step', 'member-replacement'],
    ]);
    // That the command still ran was no failure, and the look after it no new try.
    expect(timeline[5]).toMatchObject({
      ...{ attempts: 2, retriedFor: ['AwsUnavailable'], error: '', members: ['m3'], summary: 'm3: moved' },
      ...{ startedAt: at(31), endedAt: at(33) },
    });
    expect(cost).toEqual({
      durationMs: 60_000,
      waitedForPeopleMs: 20_000,
      stateTransitions: 9,
      authenticationDisabledMs: null,
    });
  });

  it('tells who asked for it, who approved of it, what it decided by, and what it did', () => {
    const report = reportOf(APPROVED);
    expect(report).toMatchObject({
      ...{
        id: 'an-id',
        cluster: 'orders',
        incidents: ['member-failed'],
        outcome: 'Remediated',
        summary: 'm3 is back.',
      },
      ...{ requestedBy: 'ada', reason: 'INC-7', startedAt: at(0), endedAt: at(60) },
      approvals: [{ decision: 'approve', by: 'grace' }],
      backup: BACKUP,
    });
    expect(report.decisions[0]).toMatchObject({
      ...{ step: 'diagnose-cluster', decision: 'member-failed', summary: 'm3 does not answer.' },
      evidence: [
        'm1: healthy, leads, etcd 3.5.30',
        'm3: failed, does not answer',
        'Two voters are no better than one.',
      ],
    });
    expect(report.changes.done).toEqual([expect.stringContaining('its data was moved aside')]);
  });

  it('tells where old data lies, and a command that removes it whatever its path is called', () => {
    const { oldData, next } = reportOf(APPROVED);
    expect(oldData).toEqual([
      { member: 'm3', host: 'h3', path: "/data.old'1", removal: "sudo rm -r -- '/data.old'\\''1'" },
    ]);
    expect(next.map(({ text }) => text)).toEqual([
      'Two voters are no better than one.',
      expect.stringContaining('Old data is kept aside'),
    ]);
  });

  it('keeps indexes whole that are longer than a number', () => {
    expect(reportOf(APPROVED).raft).toEqual([
      { at: at(40), member: 'm3', appliedIndex: '40', leaderIndex: '18446744073709551615' },
    ]);
  });

  it('tells nothing of what a command is given, nor what lets its reader in', () => {
    const told = JSON.stringify(
      reportOf({
        runbooks: [
          executionOf(
            MEMBERS,
            {
              end: failed(
                'HostCommandFailed',
                'curl https://s3/x?X-Amz-Signature=0123abcd&X=1 failed\n-----BEGIN EC PRIVATE KEY-----\nMHcCAQ\n-----END EC PRIVATE KEY-----',
              ),
            },
            {
              state: 'Load cluster',
              ...{ from: 0, to: 1, step: 'load-cluster', input: { password: 'hunter2' } },
              output: { cluster: { auth: { password: 'hunter2' } }, summary: 'loaded' },
            },
            {
              state: 'Inspect hosts',
              ...{ from: 1, to: 2, step: 'run-host-commands' },
              input: {
                command: 'inspect-host',
                commands: [{ member: 'm1', host: 'h1', parameters: { url: 'hunter2' } }],
              },
              output: { reports: [{ member: 'm1', host: 'h1', result: { log: ['hunter2'] }, error: '', problem: '' }] },
            },
          ),
        ],
      }),
    );
    expect(told).not.toMatch(/hunter2|0123abcd|MHcCAQ/);
    expect(told).toContain('failed');
  });

  it('reads sizes from whichever step tells them', () => {
    const m1 = (dbSizeBytes: number) => ({ name: 'm1', dbSizeBytes, dbSizeInUseBytes: 5, quotaBytes: null });
    const { sizes, unknown } = reportOf({
      runbooks: [
        executionOf(
          SPACE,
          { end: ENDED },
          { state: 'Assess space', from: 0, to: 1, step: 'assess-space', input: {}, output: { members: [m1(90)] } },
          {
            state: 'Defragment member',
            ...{ from: 2, to: 4, step: 'defragment-member', input: { member: 'm1' } },
            output: { defragmentations: [{ member: 'm1', dbSizeBytesBefore: 90, dbSizeBytesAfter: 6 }] },
          },
        ),
      ],
    });
    expect(sizes).toEqual([
      { at: at(1), member: 'm1', dbSizeBytes: 90, dbSizeInUseBytes: 5, quotaBytes: null },
      { at: at(2), member: 'm1', dbSizeBytes: 90, dbSizeInUseBytes: null, quotaBytes: null },
      { at: at(4), member: 'm1', dbSizeBytes: 6, dbSizeInUseBytes: null, quotaBytes: null },
    ]);
    expect(unknown).toContain('The raft indexes of the members: no step of this remediation reads them.');
  });

  it('does not tell of data that was moved back', () => {
    const onHost = (command: string, result: object, from: number) => ({
      ...{ state: command, from, to: from + 1, step: 'run-host-commands' },
      input: { command, commands: [{ member: 'm1', host: 'h1', parameters: { dataDir: '/d', unit: 'etcd' } }] },
      output: { reports: [{ member: 'm1', host: 'h1', result, error: '', problem: '' }] },
    });
    const { oldData } = reportOf({
      runbooks: [
        executionOf(
          QUORUM,
          { end: failed('HostCommandFailed', 'h2 has no room') },
          onHost('swap-data-dir', { dataDir: '/d.old', walDir: '/w.old', changed: false }, 1),
          onHost('revert-data-dir', { reverted: true, setAside: '' }, 2),
        ),
      ],
    });
    expect(oldData).toEqual([]);
  });

  const recovered = (output: Record<string, unknown>, input = {}) => [
    executionOf(QUORUM, { input, end: succeeded(output) }),
  ];
  const BOUND = { keptRevision: '42', atMostWrites: 7, explanation: 'At most 7 are lost.' };
  it.each<[string, RecordedExecution[], object]>([
    ['none where no data was restored', [executionOf(SPACE, { end: ENDED })], { atMostWrites: 0, keptRevision: null }],
    ['what the recovery has bounded', recovered({ outcome: 'Remediated', loss: BOUND }), BOUND],
    [
      'of a dry run what it would be',
      recovered({ outcome: 'Planned', loss: BOUND }, { dryRun: true }),
      { atMostWrites: 7, explanation: 'If the plan is carried out: At most 7 are lost.' },
    ],
    ['none where the quorum was there', recovered({ outcome: 'NothingToDo', summary: '' }), { atMostWrites: 0 }],
    [
      'nobody knows where it failed before',
      [executionOf(QUORUM, { end: failed('EtcdUnavailable', 'no leader') })],
      { atMostWrites: null, keptRevision: null },
    ],
  ])('tells what is lost: %s', (_, runbooks, loss) => {
    expect(reportOf({ runbooks }).loss).toMatchObject(loss);
  });

  const entry = (end: RecordedExecution['end'], input = {}) =>
    executionOf('etcd-remediation', { input: { cluster: 'orders', ...input }, end });
  it.each<[string, RecordedExecution, [string, string][]]>([
    ['nothing, after a success', entry(ENDED), [['Nothing.', '']]],
    [
      'what is still wrong',
      entry(succeeded({ outcome: 'Remediated', remaining: ['member-failed', 'member-inaccessible'] })),
      [
        ['Still wrong: member-failed. A runbook remediates it.', 'remediate orders member-failed'],
        ['Still wrong: member-inaccessible. No runbook remediates it: a person has to look.', 'look at orders'],
      ],
    ],
    [
      'to carry out a plan',
      entry(succeeded({ outcome: 'Planned', remaining: [] })),
      [['Nothing was changed: this was a dry run. To carry out the plan:', 'remediate orders']],
    ],
    [
      'to ask again',
      entry(failed('ApprovalTimedOut', 'Nobody has answered.')),
      [['Nothing was changed. To ask again:', 'remediate orders']],
    ],
    [
      'to correct what failed',
      entry(failed('PreconditionFailed', 'no such unit')),
      [[expect.stringMatching(/^Correct what the error says/), 'remediate orders']],
    ],
    [
      'to make it again while it runs',
      entry({ status: 'RUNNING', error: '', cause: '' }),
      [['It still runs. Make this report again once it has ended.', '']],
    ],
  ])('says what to do now: %s', (_, execution, steps) => {
    const { next } = reportOf({ entry: execution });
    expect(next.map(({ text, command }) => [text, command])).toEqual(steps);
  });

  it('says what it cannot tell', () => {
    const running = executionOf(
      'etcd-remediation',
      { input: { cluster: 'orders' }, end: { status: 'RUNNING', error: '', cause: '' } },
      { state: 'Run space-reclaim', from: 1, starts: arnOf(SPACE, 'gone') },
    );
    expect(reportOf({ entry: running })).toMatchObject({
      ...{ outcome: 'RUNNING', endedAt: null, cost: { durationMs: 90_000 } },
      unknown: [
        expect.stringContaining('How long the cluster was ill before'),
        expect.stringContaining('Whether clients could write'),
        expect.stringContaining('The sizes of the databases'),
        expect.stringContaining('The raft indexes'),
        `What the execution ${arnOf(SPACE, 'gone')} did, step by step: its history could not be read.`,
        'How it ends: it still runs.',
      ],
    });
  });
});
