import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import { Follower } from '../../cli/follower.ts';
import { Progress } from '../../cli/progress.ts';
import type { JsonValue } from '../../local/asl/json.ts';

const ANSWER = { decision: 'approve', by: 'ann', reason: '--approve' } as const;

function follower() {
  const lines: string[] = [];
  const print = (line: string) => lines.push(line);
  return { lines, follower: new Follower(print, () => new Progress({ print }), ANSWER) };
}

/** What a state that runs a step leaves behind in a history. */
function visited(id: number, step: string, output: unknown): HistoryEvent[] {
  const name = `State of ${step}`;
  const about = { resourceType: 'lambda', resource: 'invoke' };
  const common = { timestamp: undefined };
  return [
    { ...common, id, previousEventId: id - 1, type: 'TaskStateEntered', stateEnteredEventDetails: { name } },
    {
      ...common,
      id: id + 1,
      previousEventId: id,
      type: 'TaskScheduled',
      taskScheduledEventDetails: { ...about, region: 'local', parameters: JSON.stringify({ Payload: { step } }) },
    },
    {
      ...common,
      id: id + 2,
      previousEventId: id + 1,
      type: 'TaskSucceeded',
      taskSucceededEventDetails: { ...about, output: JSON.stringify({ Payload: output }) },
    },
    {
      ...common,
      id: id + 3,
      previousEventId: id + 2,
      type: 'TaskStateExited',
      stateExitedEventDetails: { name, output: JSON.stringify(output) },
    },
  ];
}

describe('whoever follows a remediation', () => {
  it('knows the newest diagnosis, and what followed from it', () => {
    const { follower: follows } = follower();
    const events = [
      ...visited(2, 'diagnose-cluster', { incident: 'space-exceeded', summary: 'full' }),
      ...visited(6, 'choose-runbook', { action: 'Run', incident: 'space-exceeded', runbook: 'space-reclaim' }),
      ...visited(10, 'diagnose-cluster', { incident: 'member-failed', summary: 'm3 is gone' }),
    ];
    for (const event of events) follows.onEvent(event);
    expect(follows.diagnosis?.incident).toBe('member-failed');
    expect(follows.next).toMatchObject({ runbook: 'space-reclaim' });
  });

  it('tells of each runbook as of the workflow around it, and counts the transitions of both', () => {
    const { lines, follower: follows } = follower();
    for (const event of visited(2, 'choose-runbook', { action: 'Run', summary: 'Next: space-reclaim.' }))
      follows.onEvent(event);
    const { onEvent } = follows.onNested('etcd-remediation-space-reclaim', {});
    for (const event of visited(2, 'assess-space', { summary: 'full' })) onEvent?.(event);
    expect(lines.map((line) => line.replace(/\d\.\d s/, 'T').replaceAll(/ +/g, ' '))).toEqual([
      ' ✓ T State of choose-runbook Next: space-reclaim.',
      ' Running etcd-remediation-space-reclaim',
      ' ✓ T State of assess-space full',
    ]);
    expect(follows.stateTransitions).toBe(2);
  });

  it('tells a dry run, which comes before an approval, from the runbook itself', () => {
    const { lines, follower: follows } = follower();
    follows.onNested('etcd-remediation-member-replacement', { cluster: 'orders', dryRun: true });
    follows.onNested('etcd-remediation-member-replacement', { cluster: 'orders', dryRun: false });
    expect(lines).toEqual([
      '  Planning with etcd-remediation-member-replacement (dry run: nothing is changed)',
      '  Running etcd-remediation-member-replacement',
    ]);
  });

  it('answers what it waits for as it was told to on the command line', () => {
    const answers: JsonValue[] = [];
    const { lines, follower: follows } = follower();
    const { onEvent } = follows.onNested('etcd-remediation-member-replacement', {});
    const output = JSON.stringify({ outcome: 'Planned', incident: 'member-failed', summary: '', plan: ['stop m3'] });
    onEvent?.({
      ...{ id: 9, timestamp: undefined, type: 'ExecutionSucceeded' },
      executionSucceededEventDetails: { output },
    });
    follows.onWait((answer) => answers.push(answer));
    expect(answers).toEqual([ANSWER]);
    expect(lines.slice(1).map((line) => line.trim())).toEqual(['Plan:', 'stop m3', 'Approved by ann: --approve']);
  });

  it('claims neither to wait for an answer nor to page: whoever runs it has answered', () => {
    const { lines, follower: follows } = follower();
    const named = (id: number, name: string) =>
      visited(id, 'any', { summary: 'It is said.' }).map((event) =>
        event.stateEnteredEventDetails ? { ...event, stateEnteredEventDetails: { name } } : event,
      );
    const states = ['Page that an approval is wanted', 'Wait for an approval', 'Withdraw the question'];
    for (const event of states.flatMap((name, index) => named(2 + 4 * index, name))) follows.onEvent(event);
    expect(lines).toEqual([expect.stringMatching(/^ {2}✓ .* Withdraw the question +It is said\.$/)]);
  });
});
