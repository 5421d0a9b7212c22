import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import { describeAfterStop, describeLeftOpen, describeStop } from '../../cli/stopped.ts';
import type { Execution } from '../../local/executions.ts';
import { recover } from '../lib/recovery-scene.ts';
import { FINISH, replaceMember } from '../lib/replacement-scene.ts';

type Result = NonNullable<Execution['result']>;

function executionOf(stateMachineName: string, events: HistoryEvent[], more: Partial<Execution> = {}): Execution {
  return {
    ...{ arn: `arn:${stateMachineName}`, stateMachineName, name: 'run-1', input: { cluster: 'orders' }, startedAt: 0 },
    ...{ events, ended: new Promise(() => undefined), stop: () => undefined },
    ...more,
  };
}

/** What is told of the remediation that has started these, before it has stopped, or once it has. */
function stopped(...nested: Execution[]) {
  const { remediation, executions } = sceneOf(nested);
  return describeStop([remediation], executions, again).split('\n');
}

const again = (cluster: string) => `start ${cluster} again`;

function sceneOf(nested: readonly Execution[]) {
  const events = nested.map(({ arn }, index) => ({
    ...{ timestamp: undefined, id: index + 1, type: 'TaskSubmitted' as const },
    taskSubmittedEventDetails: {
      ...{ resourceType: 'states', resource: 'startExecution.sync:2' },
      output: JSON.stringify({ ExecutionArn: arn }),
    },
  }));
  const executions = {
    find: (arn: string) => nested.find((each) => each.arn === arn),
    of: (name: string) => nested.filter(({ stateMachineName }) => stateMachineName === name),
  };
  return { remediation: executionOf('etcd-remediation', events), executions };
}

/** A history as far as it was when this state was under way. */
function cutAt(history: HistoryEvent[], state: string): HistoryEvent[] {
  const entered = history.findIndex(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name === state);
  const started = history.findIndex(({ type }, index) => index > entered && type === 'TaskStarted');
  if (entered < 0 || started < 0) throw new Error(`"${state}" was not entered.`);
  return history.slice(0, started + 1);
}

const TOGGLING: HistoryEvent[] = [
  { timestamp: undefined, id: 1, previousEventId: 0, type: 'TaskStateEntered' },
  {
    ...{ timestamp: undefined, id: 2, previousEventId: 1, type: 'TaskScheduled' },
    taskScheduledEventDetails: {
      ...{ resourceType: 'lambda', resource: 'invoke', region: 'local' },
      parameters: JSON.stringify({ Payload: { step: 'toggle-authentication', input: {} } }),
    },
  },
];

/** @param status undefined while it runs */
function guardOf(status?: Result['status']): Execution {
  const result = { history: [], status, output: null } as unknown as Result;
  return executionOf('etcd-remediation-authentication-guard', [], status ? { result } : {});
}

const HEAD = 'Stopped. The runbook member-replacement was under way for the cluster orders.';
const CHANGED = 'It has changed, in this order:';
const PERHAPS = 'Under way, so it may or may not be done:';
const ON = 'on i-0a1b2c3d4e5f60003 (node3):';
const STOP = `  - ${ON} the service etcd was stopped`;
const REMOVE = '  - node3 (a3) was removed from etcd';
const MOVE = `  - ${ON} its data was moved aside, to /var/lib/etcd.i-0a1b2c3d4e5f60003, where it is kept`;
const ADD = '  - node3 was added to etcd';
const TWO = 'two voters are left (node1, node2), and each is needed: one more failure stops the cluster.';
const GO_ON = 'To go on, start orders again: it looks again, and goes on from here.';

describe('whoever stops a replacement', () => {
  it.each<[string, string[]]>([
    ['Inspect hosts', [HEAD, 'Nothing was changed.']],
    [
      'Stop service',
      [
        ...[HEAD, 'Nothing is known to be changed.', PERHAPS, STOP],
        "Now every member is in etcd's list. If what was under way was done as well: node3 is still a member, with its data in its place.",
        GO_ON,
      ],
    ],
    [
      'Remove member',
      [
        ...[HEAD, CHANGED, STOP, PERHAPS, '  - node3 was removed from etcd'],
        'Now node3 is still a member, with its data in its place. If what was under way was done as well: ' +
          `node3 was removed from etcd and is not back: ${TWO}`,
        GO_ON,
      ],
    ],
    [
      'Move data aside',
      [
        ...[HEAD, CHANGED, STOP, REMOVE, PERHAPS, `  - ${ON} the data in /var/lib/etcd was moved aside`],
        `Now node3 was removed from etcd and is not back: ${TWO}`,
        GO_ON,
      ],
    ],
    [
      'Wait for member',
      [
        ...[HEAD, CHANGED, STOP, REMOVE, MOVE, ADD],
        `  - ${ON} the membership was written into /etc/etcd/etcd.yaml (as it was before: /etc/etcd/etcd.yaml.copy); the service etcd was started`,
        `Now node3 is a learner, and no voter yet: ${TWO}`,
        GO_ON,
      ],
    ],
  ])('is told what it has changed and how the cluster stands: at "%s"', async (state, lines) => {
    const { ended } = await replaceMember();
    const events = cutAt(ended.history, state);
    expect(stopped(executionOf('etcd-remediation-member-replacement', events))).toEqual(lines);
  });

  it('is told of the runbooks before it: how they ended, and what those changed that failed', async () => {
    const failed = await replaceMember({ 'Choose next change': [FINISH], 'Prove writes on every member': undefined });
    const { history: events } = failed.ended;
    const ended = { history: [], status: 'FAILED', error: 'EtcdUnavailable', cause: '' } as Result;
    const succeeded = { history: [], status: 'SUCCEEDED', output: { outcome: 'Remediated' } } as Result;
    const planned = executionOf('etcd-remediation-quorum-recovery', [], { result: succeeded });
    expect(
      stopped(
        { ...planned, input: { dryRun: true } },
        executionOf('etcd-remediation-space-reclaim', [], { result: succeeded }),
        executionOf('etcd-remediation-member-replacement', events, { result: ended }),
      ),
    ).toEqual([
      'Stopped. No runbook was under way for the cluster orders.',
      'Before this, the runbook space-reclaim has ended: Remediated.',
      'Before this, the runbook member-replacement has failed (EtcdUnavailable).',
      'Nothing is known to be changed.',
      PERHAPS,
      '  - a key below /etcd-remediation/proof/ was written, and not deleted yet',
      "Now every member is in etcd's list.",
    ]);
  });

  it('is told that nothing was changed where no runbook has begun', () => {
    expect(stopped()).toEqual(['Stopped. No runbook was under way for the cluster orders.', 'Nothing was changed.']);
  });

  it('is told that it was a dry run', () => {
    const input = { cluster: 'orders', dryRun: true };
    expect(stopped(executionOf('etcd-remediation-member-replacement', [], { input }))).toEqual([
      'Stopped. The runbook member-replacement was under way for the cluster orders, as a dry run.',
      'Nothing was changed.',
    ]);
  });
});

describe('once it has stopped, whoever reads the log', () => {
  const ABORTED = { history: [], status: 'ABORTED', error: 'Stopped', cause: 'serve was ended.' } as Result;
  const told = (...nested: Execution[]) => {
    const { remediation, executions } = sceneOf(nested);
    return describeAfterStop(remediation, executions, again).split('\n');
  };

  it('is told the same of the runbook that was under way', async () => {
    const { ended } = await replaceMember();
    const name = 'etcd-remediation-member-replacement';
    const events = cutAt(ended.history, 'Move data aside');
    const lines = told(executionOf(name, events, { result: ABORTED }));
    expect(lines).toEqual(stopped(executionOf(name, events)));
    expect(lines.at(-1)).toBe(GO_ON);
  });

  it.each<[string, Execution[], string]>([
    [
      'was made sure to be enabled',
      [guardOf('SUCCEEDED')],
      'Since then it was made sure that authentication is enabled.',
    ],
    [
      'may be disabled still',
      [guardOf('FAILED')],
      'Authentication may be disabled. Enable it by hand: "etcdctl auth enable".',
    ],
  ])('is told of authentication that it %s', (_, guards, last) => {
    const lines = told(executionOf('etcd-remediation-auth-token-reset', TOGGLING, { result: ABORTED }), ...guards);
    expect(lines[0]).toBe('Stopped. The runbook auth-token-reset was under way for the cluster orders.');
    expect(lines.at(-1)).toBe(last);
  });
});

describe('whoever stops a recovery', () => {
  it('is told that the next one finishes it or undoes it', async () => {
    const { ended } = await recover();
    const lines = stopped(
      executionOf('etcd-remediation-quorum-recovery', cutAt(ended.history, 'Put restored data in place')),
    );
    expect(lines.slice(0, 2)).toEqual([
      'Stopped. The runbook quorum-recovery was under way for the cluster orders.',
      CHANGED,
    ]);
    expect(lines.slice(-4)).toEqual([
      PERHAPS,
      '  - on i-0a1b2c3d4e5f60001 (node1), i-0a1b2c3d4e5f60002 (node2), i-0a1b2c3d4e5f60003 (node3): the service etcd was stopped; the restored data was put into /var/lib/etcd; the membership was written into /etc/etcd/etcd.yaml',
      'Services may be stopped, and restored data may be in place on some hosts and not on others. The quorum is still lost: no member takes writes. Start no etcd by hand.',
      'To go on, start orders again: it first finishes this recovery, or undoes it.',
    ]);
  });
});

describe('authentication that may be disabled', () => {
  const reset = executionOf('etcd-remediation-auth-token-reset', TOGGLING);
  const guarded = (...guards: (Result['status'] | undefined)[]) => ({
    of: (name: string) =>
      name.endsWith('guard')
        ? guards.map(guardOf)
        : [reset].filter(({ stateMachineName }) => stateMachineName === name),
  });

  it('is told of at the first signal', () => {
    const lines = stopped(reset);
    expect(lines.at(-1)).toBe(
      'Authentication is enabled before this command ends. A second signal would end that as well.',
    );
  });

  it.each<[string, ReturnType<typeof guarded>, boolean]>([
    ['nobody has enabled it', guarded(), true],
    ['somebody is at it', guarded(undefined), true],
    ['it was enabled', guarded('SUCCEEDED'), false],
    ['it could not be enabled', guarded('FAILED'), true],
  ])('is told of at the second where it may still be: %s', (_, executions, isOpen) => {
    expect(describeLeftOpen(executions)).toBe(
      isOpen ? 'Authentication may be disabled. Enable it by hand: "etcdctl auth enable".' : '',
    );
  });
});
