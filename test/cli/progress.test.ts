import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { afterEach, expect, it, vi } from 'vitest';
import { Progress } from '../../cli/progress.ts';
import { ExecutionError } from '../../local/asl/errors.ts';

afterEach(() => {
  vi.useRealTimers();
});

const entered = (id: number, previousEventId: number, name: string): HistoryEvent => ({
  id,
  previousEventId,
  timestamp: undefined,
  type: 'TaskStateEntered',
  stateEnteredEventDetails: { name },
});
const scheduled = (id: number, previousEventId: number, host: string): HistoryEvent => ({
  id,
  previousEventId,
  timestamp: undefined,
  type: 'TaskScheduled',
  taskScheduledEventDetails: {
    resourceType: 'lambda',
    resource: 'invoke',
    region: 'local',
    parameters: JSON.stringify({ Payload: { step: 'run-host-command', input: { host } } }),
  },
});

it('tells which host a line is about, when two are worked on at the same time', () => {
  const lines: string[] = [];
  const progress = new Progress((line) => lines.push(line));
  const events: HistoryEvent[] = [
    entered(4, 3, 'Stop service'),
    entered(5, 3, 'Stop service'),
    scheduled(6, 4, 'host-a'),
    scheduled(7, 5, 'host-b'),
    {
      id: 8,
      previousEventId: 6,
      timestamp: undefined,
      type: 'TaskFailed',
      taskFailedEventDetails: {
        resourceType: 'lambda',
        resource: 'invoke',
        error: 'HostUnreachable',
        cause: '{"errorMessage":"gone"}',
      },
    },
    {
      id: 9,
      previousEventId: 7,
      timestamp: undefined,
      type: 'TaskStateExited',
      stateExitedEventDetails: { name: 'Stop service', output: '{"result":null}' },
    },
    { id: 10, previousEventId: 9, timestamp: undefined, type: 'ExecutionFailed' },
  ];
  for (const event of events) progress.onEvent(event);
  expect(lines).toEqual([
    expect.stringMatching(/! .* Stop service host-a +HostUnreachable: gone$/),
    expect.stringMatching(/✓ .* Stop service host-b$/),
  ]);
});

it('calls a host by its member once the cluster is loaded, and tells the first line of a long story', () => {
  const lines: string[] = [];
  const progress = new Progress((line) => lines.push(line));
  const cluster = { name: 'orders', members: [{ name: 'node1', host: 'host-a' }, { name: 'node2' }] };
  const events: HistoryEvent[] = [
    entered(1, 0, 'Load cluster'),
    {
      id: 2,
      previousEventId: 1,
      timestamp: undefined,
      type: 'TaskStateExited',
      stateExitedEventDetails: { name: 'Load cluster', output: JSON.stringify({ cluster }) },
    },
    entered(3, 2, 'Launch service'),
    scheduled(4, 3, 'host-a'),
    {
      id: 5,
      previousEventId: 4,
      timestamp: undefined,
      type: 'TaskFailed',
      taskFailedEventDetails: {
        resourceType: 'lambda',
        resource: 'invoke',
        error: 'HostCommandFailed',
        cause: JSON.stringify({ errorMessage: 'It does not stay up. The end of its log:\npanic' }),
      },
    },
    { id: 6, previousEventId: 5, timestamp: undefined, type: 'ExecutionFailed' },
  ];
  for (const event of events) progress.onEvent(event);
  expect(lines).toEqual([
    expect.stringMatching(/✓ .* Load cluster +orders$/),
    expect.stringMatching(/! .* Launch service node1 +HostCommandFailed: It does not stay up\. The end of its log: …$/),
  ]);
});

it('tells of other work that it still runs, and how it ended', async () => {
  vi.useFakeTimers();
  const lines: string[] = [];
  const progress = new Progress((line) => lines.push(line));
  const work = Promise.withResolvers<number>();
  const told = progress.during('Diagnose', 'orders', work.promise, (count) => `${count} found`);
  vi.advanceTimersByTime(4_500);
  work.resolve(2);
  expect(await told).toBe(2);
  const failure = Promise.reject(new ExecutionError('PreconditionFailed', '{"errorMessage":"refused"}'));
  await expect(progress.during('Diagnose', 'billing', failure, () => '')).rejects.toThrow('PreconditionFailed');
  vi.advanceTimersByTime(4_500);
  expect(lines).toEqual([
    expect.stringMatching(/… +2\.0 s {2}Diagnose orders +still running$/),
    expect.stringMatching(/… +4\.0 s {2}Diagnose orders +still running$/),
    expect.stringMatching(/✓ +4\.5 s {2}Diagnose orders +2 found$/),
    expect.stringMatching(/! +0\.0 s {2}Diagnose billing +PreconditionFailed: refused$/),
  ]);
});

const exited = (id: number, previousEventId: number, name: string, output: unknown): HistoryEvent => ({
  id,
  previousEventId,
  timestamp: undefined,
  type: 'TaskStateExited',
  stateExitedEventDetails: { name, output: JSON.stringify(output) },
});

it('tells how long a step took also of a history that is read later', () => {
  const lines: string[] = [];
  const progress = new Progress((line) => lines.push(line));
  const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds));
  progress.onEvent({ ...entered(1, 0, 'Take the lock'), timestamp: at(0) });
  progress.onEvent({ ...exited(2, 1, 'Take the lock', null), timestamp: at(42) });
  expect(lines).toEqual(['  ✓  42.0 s  Take the lock']);
});

it('tells of an execution in an execution why it failed, and of a cause that was cut off what is left', () => {
  const lines: string[] = [];
  const progress = new Progress((line) => lines.push(line));
  const failed = (id: number, cause: string): HistoryEvent => ({
    id,
    previousEventId: id - 1,
    timestamp: undefined,
    type: 'TaskFailed',
    taskFailedEventDetails: { resourceType: 'states', resource: 'startExecution.sync:2', error: 'X', cause },
  });
  progress.onEvent(entered(1, 0, 'Run space-reclaim'));
  progress.onEvent(failed(2, '{"ExecutionArn":"arn","Error":"PreconditionFailed","Cause":"the store is full"}'));
  progress.onEvent(failed(3, '{"ExecutionArn":"arn","Cause":"the sto'));
  progress.stop();
  expect(lines.map((line) => line.slice(12).replace(/ +/g, ' '))).toEqual([
    ' Run space-reclaim PreconditionFailed: the store is full',
    ' Run space-reclaim X: {"ExecutionArn":"arn","Cause":"the sto',
  ]);
});
