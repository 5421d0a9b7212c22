import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { afterEach, expect, it, vi } from 'vitest';
import { Course } from '../../cli/course.ts';
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
const scheduled = (id: number, previousEventId: number, ...members: string[]): HistoryEvent => ({
  id,
  previousEventId,
  timestamp: undefined,
  type: 'TaskScheduled',
  taskScheduledEventDetails: {
    resourceType: 'lambda',
    resource: 'invoke',
    region: 'local',
    parameters: JSON.stringify({
      Payload: { step: 'run-host-commands', input: { commands: members.map((member) => ({ member })) } },
    }),
  },
});

const failed = (id: number, previousEventId: number, error: string, cause: string): HistoryEvent => ({
  id,
  previousEventId,
  timestamp: undefined,
  type: 'TaskFailed',
  taskFailedEventDetails: { resourceType: 'lambda', resource: 'invoke', error, cause },
});

it('tells of a phase the members on whose hosts it works, and what it came to on each', () => {
  const lines: string[] = [];
  const progress = new Progress({ print: (line) => lines.push(line) });
  const output = {
    lines: [
      { members: 'node1', summary: 'inactive (dead)', failed: false },
      { members: 'node2', summary: 'HostUnreachable: gone', failed: true },
    ],
    summary: 'node1: inactive (dead)\nnode2: HostUnreachable: gone',
  };
  const events: HistoryEvent[] = [
    entered(4, 3, 'Start services again'),
    scheduled(5, 4, 'node1', 'node2'),
    // That it still runs is told by the clock.
    failed(6, 5, 'HostCommandRunning', '{"errorMessage":"control-service has not ended on node1."}'),
    scheduled(7, 6, 'node1', 'node2'),
    {
      id: 8,
      previousEventId: 7,
      timestamp: undefined,
      type: 'TaskStateExited',
      stateExitedEventDetails: { name: 'Start services again', output: JSON.stringify(output) },
    },
    { id: 9, previousEventId: 8, timestamp: undefined, type: 'ExecutionFailed' },
  ];
  for (const event of events) progress.onEvent(event);
  expect(lines).toEqual([
    expect.stringMatching(/✓ .* Start services again node1 +inactive \(dead\)$/),
    expect.stringMatching(/! .* Start services again node2 +HostUnreachable: gone$/),
  ]);
});

it('tells of a step what its output says that it did', () => {
  const lines: string[] = [];
  const progress = new Progress({ print: (line) => lines.push(line) });
  progress.onEvent(entered(1, 0, 'Assess quorum'));
  progress.onEvent(exited(2, 1, 'Assess quorum', { summary: 'No leader:\n- m1 follows no leader' }));
  expect(lines).toEqual([expect.stringMatching(/✓ .* Assess quorum +No leader$/)]);
});

it('tells the first line of a long story', () => {
  const lines: string[] = [];
  const progress = new Progress({ print: (line) => lines.push(line) });
  const cause = JSON.stringify({ errorMessage: 'It does not stay up. The end of its log:\npanic' });
  const events: HistoryEvent[] = [
    entered(3, 2, 'Wait for member'),
    failed(5, 3, 'VerificationFailed', cause),
    { id: 6, previousEventId: 5, timestamp: undefined, type: 'ExecutionFailed' },
  ];
  for (const event of events) progress.onEvent(event);
  expect(lines).toEqual([
    expect.stringMatching(/! .* Wait for member +VerificationFailed: It does not stay up\. The end of its log: …$/),
  ]);
});

it('tells of other work that it still runs, and how it ended', async () => {
  vi.useFakeTimers();
  const lines: string[] = [];
  const progress = new Progress({ print: (line) => lines.push(line) }, { stillRunningMs: 2_000 });
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

it('tells on a terminal in its live line what goes on, and how far it is, until it is over', () => {
  const shown = new Set<() => string>();
  const live = (line: () => string) => {
    shown.add(line);
    return { [Symbol.dispose]: () => void shown.delete(line) };
  };
  const lines: string[] = [];
  const progress = new Progress({ print: (line) => lines.push(line), live }, { course: new Course([]) });
  progress.onEvent({ ...entered(1, 0, 'Assess quorum'), timestamp: new Date() });
  expect([...shown].map((line) => line())).toEqual([
    expect.stringMatching(/^ {2}… +\d+\.\d s {2}Assess quorum +still running, step 1$/),
  ]);
  expect(lines).toEqual([]);
  progress.onEvent(exited(2, 1, 'Assess quorum', { summary: 'No leader' }));
  expect(shown.size).toBe(0);
  const preparing = progress.begin('Bundling the steps');
  expect([...shown].map((line) => line())).toEqual([expect.stringMatching(/^ {2}… +0\.\d s {2}Bundling the steps$/)]);
  preparing[Symbol.dispose]();
  expect(shown.size).toBe(0);
  expect(lines.at(-1)).toBe('  Bundling the steps');
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
  const progress = new Progress({ print: (line) => lines.push(line) });
  const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds));
  progress.onEvent({ ...entered(1, 0, 'Take the lock'), timestamp: at(0) });
  progress.onEvent({ ...exited(2, 1, 'Take the lock', null), timestamp: at(42) });
  expect(lines).toEqual(['  ✓  42.0 s  Take the lock']);
});

it('tells of an execution in an execution why it failed, and of a cause that was cut off what is left', () => {
  const lines: string[] = [];
  const progress = new Progress({ print: (line) => lines.push(line) });
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

it('tells once what a step fails with at each of its tries', () => {
  const lines: string[] = [];
  const progress = new Progress({ print: (line) => lines.push(line) });
  progress.onEvent(entered(1, 0, 'Back up cluster'));
  progress.onEvent(failed(2, 1, 'EtcdUnavailable', 'No member follows a leader.'));
  progress.onEvent(failed(3, 2, 'EtcdUnavailable', 'No member follows a leader.'));
  progress.onEvent(failed(4, 3, 'EtcdUnavailable', 'm1 does not answer.'));
  progress.onEvent(failed(5, 4, 'EtcdUnavailable', 'No member follows a leader.'));
  progress.stop();
  expect(lines.map((line) => line.slice(12).replace(/ +/g, ' '))).toEqual([
    ' Back up cluster EtcdUnavailable: No member follows a leader.',
    ' Back up cluster The same again.',
    ' Back up cluster EtcdUnavailable: m1 does not answer.',
    ' Back up cluster EtcdUnavailable: No member follows a leader.',
  ]);
});
