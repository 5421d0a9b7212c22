import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../core/cluster/clusters.ts';
import { NETWORK, PLAIN, render, resourcesOf, synthesizeStacks } from './stacks.ts';

const BACKUPS = { bucket: 'backups', prefix: '' };

function schedulesOf(backups: NonNullable<Cluster['backups']>) {
  const { clusters, starts } = synthesizeStacks({ network: NETWORK, clusters: [{ ...PLAIN, backups }] });
  const stack = clusters.plain;
  if (!stack) throw new Error('There is no stack.');
  const schedules = Object.values(resourcesOf(stack, 'AWS::Scheduler::Schedule')).map(({ Properties }) => Properties);
  return { starts, schedules: schedules.filter(({ ScheduleExpression }) => ScheduleExpression !== 'rate(1 minute)') };
}

describe('the schedule of backups', () => {
  it.each([
    [15, 'rate(15 minutes)'],
    [60, 'rate(1 hour)'],
    [1440, 'rate(1 day)'],
  ])('of a cluster that wants one every %i minutes starts the backup of that cluster', (everyMinutes, rate) => {
    const { schedules, starts } = schedulesOf({ ...BACKUPS, everyMinutes });
    expect(schedules).toHaveLength(1);
    const { ScheduleExpression, Target } = schedules[0];
    expect(ScheduleExpression).toBe(rate);
    expect(render(Target.Arn)).toBe(
      'arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:stateMachine:etcd-remediation-backup',
    );
    // The embedded platform has the same.
    expect(starts).toEqual([
      {
        stateMachineArn: 'arn:aws:states:local:000000000000:stateMachine:etcd-remediation-backup',
        everyMinutes,
        input: { cluster: 'plain' },
      },
    ]);
  });

  it('is none where somebody else makes them', () => {
    expect(schedulesOf(BACKUPS)).toEqual({ schedules: [], starts: [] });
  });
});
