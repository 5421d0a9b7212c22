import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { expect, it } from 'vitest';
import { ServeLog } from '../../cli/serve-log.ts';
import { ExecutionError } from '../../local/asl/errors.ts';

const NOW = new Date('2026-11-28T14:20:31.417Z');

function logged(act: (log: ServeLog) => void): string[] {
  const lines: string[] = [];
  act(
    new ServeLog(
      (line) => lines.push(line),
      { clusters: ['orders', 'orders-eu', 'billing'], here: { files: { config: 'clusters.json' } } },
      () => NOW,
    ),
  );
  return lines;
}

const alarm = (alarmName: string, from: string, to: string) => ({
  detail: { alarmName, state: { value: to, reason: 'Threshold Crossed.' }, previousState: { value: from } },
});

it.each<[string, (log: ServeLog) => void, string[]]>([
  ['what it says of itself', (log) => log.say('Looking'), ['2026-11-28T14:20:31Z Looking']],
  [
    'an alarm that is raised',
    (log) => log.alarm(alarm('etcd-remediation/orders-eu/space-exceeded', 'OK', 'ALARM')),
    ['2026-11-28T14:20:31Z [orders-eu] alarm space-exceeded raised. Threshold Crossed.'],
  ],
  [
    'an alarm that is over',
    (log) => log.alarm(alarm('etcd-remediation/orders/space-exceeded', 'ALARM', 'OK')),
    ['2026-11-28T14:20:31Z [orders] alarm space-exceeded is over. Threshold Crossed.'],
  ],
  [
    'an alarm that was never raised, not at all',
    (log) => log.alarm(alarm('etcd-remediation/orders/space-exceeded', 'INSUFFICIENT_DATA', 'OK')),
    [],
  ],
  [
    'a page, with each of its lines',
    (log) =>
      log.page({
        subject: 'CRITICAL: the etcd cluster orders could not be remediated',
        message: 'One.\nTwo (arn:aws:states:local:0:execution:etcd-remediation:a-1).',
      }),
    [
      '2026-11-28T14:20:31Z [orders] PAGE: CRITICAL: the etcd cluster orders could not be remediated',
      '2026-11-28T14:20:31Z [orders] One.',
      '2026-11-28T14:20:31Z [orders] Two (a-1).',
    ],
  ],
  [
    'a page that names no cluster',
    (log) => log.page({ subject: 'CRITICAL: a remediation could not begin', message: '' }),
    ['2026-11-28T14:20:31Z PAGE: CRITICAL: a remediation could not begin'],
  ],
  [
    'a look that has failed',
    (log) =>
      log.lookFailed(new ExecutionError('PreconditionFailed', '{"errorMessage":"nobody answers"}'), {
        cluster: 'billing',
      }),
    ['2026-11-28T14:20:31Z [billing] A look failed: PreconditionFailed: nobody answers'],
  ],
])('tells with its time and its cluster %s', (_, act, lines) => {
  expect(logged(act)).toEqual(lines);
});

const ended = (details: Partial<HistoryEvent>): HistoryEvent => ({
  id: 9,
  previousEventId: 8,
  timestamp: undefined,
  type: 'ExecutionFailed',
  ...details,
});
const report = {
  outcome: 'Remediated',
  cluster: 'orders',
  reason: '',
  requestedBy: 'the alarm space-exceeded',
  summary: 'etcd takes writes again.',
  rounds: [],
  approvals: [],
  remaining: ['member-failed'],
};

it.each<[string, Partial<HistoryEvent>, string[]]>([
  [
    'well, with what it says',
    { type: 'ExecutionSucceeded', executionSucceededEventDetails: { output: JSON.stringify(report) } },
    ['Remediated: etcd takes writes again.', '  Requested by the alarm space-exceeded', '  Still wrong: member-failed'],
  ],
  [
    'well, of a workflow that has only an outcome',
    { type: 'ExecutionSucceeded', executionSucceededEventDetails: { output: '{"outcome":"NothingToDo"}' } },
    ['NothingToDo'],
  ],
  [
    'in an error',
    { executionFailedEventDetails: { error: 'PreconditionFailed', cause: 'm3 is down.' } },
    ['PreconditionFailed: m3 is down.', 'Explained in docs/troubleshooting.md#preconditionfailed'],
  ],
  [
    'in the error of an execution that it has started',
    {
      executionFailedEventDetails: {
        error: 'States.TaskFailed',
        cause: '{"Error":"UnsafeToProceed","Cause":"CORRUPT"}',
      },
    },
    ['UnsafeToProceed: CORRUPT', 'Explained in docs/troubleshooting.md#unsafetoproceed'],
  ],
  [
    'because somebody has stopped it',
    { type: 'ExecutionAborted', executionAbortedEventDetails: { error: 'Stopped', cause: 'serve was ended.' } },
    ['Stopped: serve was ended.', 'Explained in docs/troubleshooting.md#stopped'],
  ],
])('tells that an execution has ended %s', (_, details, lines) => {
  const told = logged((log) => log.follow('etcd-remediation', { cluster: 'orders' }).onEvent?.(ended(details)));
  expect(told.map((line) => line.replace('2026-11-28T14:20:31Z [orders] ', ''))).toEqual([
    'Running etcd-remediation',
    ...lines,
  ]);
});

it('tells each step of an execution, and of the runbooks that it runs', () => {
  const told = logged((log) => {
    const { onEvent, onNested } = log.follow('etcd-remediation', { cluster: 'billing' });
    const nested = onNested?.('etcd-space-reclaim', {});
    for (const [observer, name] of [
      [onEvent, 'Take the lock'],
      [nested?.onEvent, 'Load cluster'],
    ] as const) {
      const at = { id: 1, previousEventId: 0, timestamp: NOW };
      observer?.({ ...at, type: 'TaskStateEntered', stateEnteredEventDetails: { name } });
      observer?.({
        ...{ ...at, id: 2, previousEventId: 1 },
        type: 'TaskStateExited',
        stateExitedEventDetails: { name, output: '{"summary":"billing"}' },
      });
    }
  });
  expect(told).toEqual([
    '2026-11-28T14:20:31Z [billing] Running etcd-remediation',
    '2026-11-28T14:20:31Z [billing]   Running etcd-space-reclaim',
    expect.stringMatching(/^2026-11-28T14:20:31Z \[billing\] {3}✓ {3}0\.0 s {2}Take the lock +billing$/),
    expect.stringMatching(/^2026-11-28T14:20:31Z \[billing\] {3}✓ {3}0\.0 s {2}Load cluster +billing$/),
  ]);
});

const endedOf = (input: string) => ({ detail: { executionArn: 'arn:1', status: 'ABORTED', input } });
const ORDERS = '{"cluster":"orders"}';
const outcome = (report: object): Partial<HistoryEvent> => ({
  type: 'ExecutionSucceeded',
  executionSucceededEventDetails: { output: JSON.stringify(report) },
});
const RELEASES = 'Releasing the lock of the remediation that has ended';
const GUARDS = 'Making sure that the runbook which was stopped leaves authentication enabled';

it.each<[string, string, string, Partial<HistoryEvent>, string[]]>([
  [
    'the lock was released',
    'lock-release',
    ORDERS,
    outcome({ outcome: 'Remediated', execution: 'arn:1' }),
    [`[orders] ${RELEASES}`, '[orders] The lock was released: the next remediation of this cluster may begin.'],
  ],
  [
    'there was no lock to release',
    'lock-release',
    ORDERS,
    outcome({ outcome: 'NothingToDo', execution: 'arn:1' }),
    [`[orders] ${RELEASES}`, '[orders] There was no lock to release.'],
  ],
  [
    'the lock could not be released',
    'lock-release',
    ORDERS,
    { executionFailedEventDetails: { error: 'EtcdUnavailable', cause: 'No table.' } },
    [
      `[orders] ${RELEASES}`,
      '[orders] The lock could not be released. EtcdUnavailable: No table.',
      '[orders] Explained in docs/troubleshooting.md#etcdunavailable',
    ],
  ],
  [
    'authentication was enabled again',
    'authentication-guard',
    ORDERS,
    outcome({ outcome: 'Remediated', cluster: 'orders', summary: 'Every member takes the login.' }),
    [`[orders] ${GUARDS}`, '[orders] Authentication was enabled again. Every member takes the login.'],
  ],
  [
    'authentication did not have to be enabled',
    'authentication-guard',
    ORDERS,
    outcome({ outcome: 'NothingToDo' }),
    [`[orders] ${GUARDS}`, '[orders] Authentication did not have to be enabled.'],
  ],
  [
    'no cluster, where what has ended names none',
    'lock-release',
    'no JSON',
    outcome({ outcome: 'NothingToDo' }),
    [RELEASES, 'There was no lock to release.'],
  ],
])('tells of a workflow that helps by what it does, and of whom: %s', (_, name, input, details, lines) => {
  const told = logged((log) => log.follow(`etcd-remediation-${name}`, endedOf(input)).onEvent?.(ended(details)));
  expect(told).toEqual(lines.map((line) => `2026-11-28T14:20:31Z ${line}`));
});
