import { describe, expect, it } from 'vitest';
import { backupMade } from '../../core/backups/contracts.ts';
import type { Cluster } from '../../core/cluster/clusters.ts';
import { ALARM_PREFIX } from '../../core/diagnosis/detection.ts';
import { measureEnd } from '../../core/rehearsal/settle-rehearsal.ts';
import { metricLines } from '../../lambdas/embedded-metrics.ts';
import { CloudWatch } from '../../local/aws/cloudwatch.ts';
import { LAYOUT, NETWORK, PLAIN, render, resourcesOf, synthesizeStacks } from './stacks.ts';

/** With a host, so that its backups are rehearsed. */
const HOSTED: Cluster = {
  ...PLAIN,
  members: PLAIN.members.map((member) => ({ ...member, host: 'i-0a1b2c3d4e5f60001' })),
  layout: LAYOUT,
};
const BACKUPS = { bucket: 'backups', prefix: '' };

function schedulesOf(backups: NonNullable<Cluster['backups']>, cluster = PLAIN) {
  const { clusters, starts } = synthesizeStacks({ network: NETWORK, clusters: [{ ...cluster, backups }] });
  const stack = clusters.plain;
  if (!stack) throw new Error('There is no stack.');
  const schedules = Object.values(resourcesOf(stack, 'AWS::Scheduler::Schedule')).map(({ Properties }) => Properties);
  return { starts, schedules: schedules.filter(({ ScheduleExpression }) => ScheduleExpression !== 'rate(1 minute)') };
}

describe('the schedule of backups', () => {
  it.each([
    [15, 'rate(15 minutes)'],
    [60, 'rate(1 hour)'],
    [720, 'rate(12 hours)'],
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

describe('the alarm of backups', () => {
  function alarmsOf(backups: NonNullable<Cluster['backups']>) {
    const { alarms, clusters } = synthesizeStacks({ network: NETWORK, clusters: [{ ...PLAIN, backups }] });
    const [dashboard] = Object.values(clusters.plain?.findResources('AWS::CloudWatch::Dashboard') ?? {});
    return {
      alarms: alarms.filter(({ name }) => name.includes('backup')),
      dashboard: render(dashboard?.Properties.DashboardBody),
    };
  }

  it.each([
    [15, 45],
    [60, 135],
    // CloudWatch looks back on a day at most.
    [720, 1440],
  ])(
    'of a cluster that wants one every %i minutes is raised after %i minutes of silence, and starts nothing',
    (everyMinutes, minutes) => {
      const { alarms, dashboard } = alarmsOf({ ...BACKUPS, everyMinutes });
      expect(alarms).toMatchObject([
        {
          name: 'etcd-remediation-backup-late/plain',
          description: expect.stringContaining('docs/runbooks.md#alarm-backup-late'),
          metricName: 'BackupsMade',
          comparison: 'LessThanThreshold',
          threshold: 1,
          evaluationPeriods: minutes,
          datapointsToAlarm: minutes,
          treatMissingData: 'breaching',
          actions: [expect.stringContaining('incoming-pages')],
        },
      ]);
      expect(alarms[0]?.name.startsWith(ALARM_PREFIX)).toBe(false);
      expect(dashboard).toContain('BackupsMade');
      expect(dashboard).toMatch(new RegExp(`BackupAgeSeconds.*"value":${60 * minutes}`));
    },
  );

  it('is none where somebody else makes them', () => {
    const { alarms, dashboard } = alarmsOf(BACKUPS);
    expect(alarms).toEqual([]);
    expect(dashboard).not.toMatch(/BackupsMade|BackupAgeSeconds/);
  });

  it('goes back where one is made, as the embedded platform sees it', () => {
    const { alarms } = alarmsOf({ ...BACKUPS, everyMinutes: 15 });
    const cloudWatch = new CloudWatch(alarms);
    const statesIn = (minutes: number) =>
      Array.from({ length: minutes }, () => cloudWatch.endMinute())
        .flat()
        .map(({ event }) => Object(event.detail).state.value);
    const [line = ''] = metricLines([backupMade('plain')]);
    cloudWatch.put(line);
    expect(statesIn(45)).toEqual(['OK']);
    expect(statesIn(3)).toEqual(['ALARM']);
    cloudWatch.put(line);
    expect(statesIn(1)).toEqual(['OK']);
  });
});

describe('the rehearsals of backups', () => {
  const every = (everyDays: number) => ({ ...BACKUPS, everyMinutes: 60, rehearse: { everyDays } });

  it('are asked for once a day, where a member has a host', () => {
    const { schedules, starts } = schedulesOf({ ...BACKUPS, everyMinutes: 60 }, HOSTED);
    expect(schedules.map(({ ScheduleExpression }) => ScheduleExpression)).toEqual(['rate(1 hour)', 'rate(1 day)']);
    expect(starts.at(-1)).toEqual({
      stateMachineArn: 'arn:aws:states:local:000000000000:stateMachine:etcd-remediation-rehearsal',
      everyMinutes: 24 * 60,
      input: { cluster: 'plain', scheduled: true },
    });
  });

  it.each([
    ['no member has a host', every(7), PLAIN],
    ['the configuration says so', every(0), HOSTED],
    ['somebody else makes the backups', BACKUPS, HOSTED],
  ])('are none, and have no alarm, where %s', (_, backups, cluster) => {
    const { clusters, alarms } = synthesizeStacks({ network: NETWORK, clusters: [{ ...cluster, backups }] });
    expect(schedulesOf(backups, cluster).starts.filter(({ input }) => Object(input).scheduled)).toEqual([]);
    expect(alarms.filter(({ name }) => name.includes('unproven'))).toEqual([]);
    const [dashboard] = Object.values(clusters.plain?.findResources('AWS::CloudWatch::Dashboard') ?? {});
    expect(render(dashboard?.Properties.DashboardBody)).not.toContain('RestoreUnproven');
  });

  it('raise an alarm when one fails, which stays until one passes, and pages', () => {
    const { alarms } = synthesizeStacks({ network: NETWORK, clusters: [{ ...HOSTED, backups: every(7) }] });
    const own = alarms.filter(({ name }) => name.includes('unproven'));
    expect(own).toMatchObject([
      {
        name: 'etcd-remediation-backup-unproven/plain',
        description: expect.stringContaining('docs/runbooks.md#alarm-backup-unproven'),
        actions: [expect.stringContaining('incoming-pages')],
        okActions: [expect.stringContaining('incoming-pages')],
      },
    ]);
    const cloudWatch = new CloudWatch(own);
    const statesAfter = (outcome: string, minutes: number) => {
      for (const line of metricLines(measureEnd('plain', { outcome, rehearsal: null }))) cloudWatch.put(line);
      return Array.from({ length: minutes }, () => cloudWatch.endMinute())
        .flat()
        .map(({ event }) => Object(event.detail).state.value);
    };
    expect(statesAfter('Failed', 3 * 24 * 60)).toEqual(['ALARM']);
    expect(statesAfter('Postponed', 10)).toEqual([]);
    expect(statesAfter('NotDue', 10)).toEqual(['OK']);
  });
});
