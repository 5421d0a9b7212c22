import { expect, it } from 'vitest';
import type { Cluster } from '../../core/cluster/clusters.ts';
import { maintenanceSchema } from '../../core/cluster/maintenance.ts';
import { NETWORK, PLAIN, render, resourcesOf, synthesizeStacks } from './stacks.ts';

function schedulesOf(cluster: Cluster) {
  const { clusters, starts } = synthesizeStacks({ network: NETWORK, clusters: [cluster] });
  const stack = clusters[cluster.name];
  if (!stack) throw new Error('There is no stack.');
  const schedules = Object.values(resourcesOf(stack, 'AWS::Scheduler::Schedule')).map(({ Properties }) => Properties);
  return { starts, schedules: schedules.filter(({ ScheduleExpression }) => ScheduleExpression !== 'rate(1 minute)') };
}

it('a cluster with a maintenance window has a schedule that starts the entry workflow when it begins, and says no more than which cluster', () => {
  const maintenance = maintenanceSchema.parse({ days: ['Sun', 'Wed'], from: '23:05', to: '01:00' });
  const { schedules, starts } = schedulesOf({ ...PLAIN, maintenance });
  expect(schedules).toHaveLength(1);
  const { ScheduleExpression, ScheduleExpressionTimezone, FlexibleTimeWindow, Target } = schedules[0];
  expect(ScheduleExpression).toBe('cron(5 23 ? * SUN,WED *)');
  expect(ScheduleExpressionTimezone).toBe('Etc/UTC');
  expect(FlexibleTimeWindow).toEqual({ Mode: 'OFF' });
  expect(render(Target.Arn)).toBe(
    'arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:stateMachine:etcd-remediation',
  );
  expect(JSON.parse(Target.Input)).toEqual({ cluster: 'plain', maintenance: true });
  // Two hours less five minutes: later the window is over.
  expect(Target.RetryPolicy).toEqual({ MaximumEventAgeInSeconds: 115 * 60, MaximumRetryAttempts: 5 });
  // The embedded platform has the same.
  expect(starts).toEqual([
    {
      stateMachineArn: 'arn:aws:states:local:000000000000:stateMachine:etcd-remediation',
      at: { days: ['Sun', 'Wed'], from: '23:05' },
      input: { cluster: 'plain', maintenance: true },
    },
  ]);
});

it('a cluster without one has none', () => {
  expect(schedulesOf(PLAIN)).toEqual({ schedules: [], starts: [] });
});
