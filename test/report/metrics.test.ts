import { describe, expect, it } from 'vitest';
import { measureDetection, measureRemediation } from '../../report/metrics.ts';

const COST = { durationMs: 90_500, waitedForPeopleMs: 0, stateTransitions: 40, authenticationDisabledMs: null };

describe('a remediation that has ended', () => {
  it('is counted as a cure, and how long it took, or as a failure', () => {
    expect(measureRemediation({ cluster: 'orders', outcome: 'Remediated', cost: COST })).toEqual([
      { dimensions: { cluster: 'orders' }, values: { Remediated: 1, RemediationFailed: 0, RemediationSeconds: 90.5 } },
    ]);
    for (const outcome of ['UnsafeToProceed', 'TIMED_OUT', 'ABORTED', 'ApprovalTimedOut']) {
      expect(measureRemediation({ cluster: 'orders', outcome, cost: COST })).toEqual([
        { dimensions: { cluster: 'orders' }, values: { Remediated: 0, RemediationFailed: 1 } },
      ]);
    }
  });

  it.each([
    ['had nothing to do', { cluster: 'orders', outcome: 'NothingToDo' }],
    ['only planned', { cluster: 'orders', outcome: 'Planned' }],
    ['was not wanted', { cluster: 'orders', outcome: 'ApprovalRejected' }],
    ['names no cluster', { cluster: '', outcome: 'InvalidInput' }],
  ])('is not counted where it %s', (_, ended) => {
    expect(measureRemediation({ ...ended, cost: COST })).toEqual([]);
  });
});

describe('an alarm that is raised', () => {
  /** As https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html has it. */
  const reasonData = JSON.stringify({
    version: '1.0',
    queryDate: '2026-10-02T17:04:40.985+0000',
    startDate: '2026-10-02T17:01:00.000+0000',
    statistic: 'Maximum',
    period: 60,
    recentDatapoints: [1, 1, 1],
    threshold: 1,
  });
  const alarmName = 'etcd-remediation/orders/member-failed';
  const timestamp = '2026-10-02T17:04:40.989+0000';

  it('tells how long the cluster was ill before', () => {
    expect(measureDetection({ alarmName, timestamp, reasonData })).toEqual([
      { dimensions: { cluster: 'orders' }, values: { DetectionSeconds: 220.989 } },
    ]);
  });

  it.each([
    ['tells not since when, as an alarm of alarms', { reasonData: '{"triggeringAlarms":[]}' }],
    ['has no data', { reasonData: undefined }],
    ['is about no cluster', { alarmName: 'etcd-remediation-undelivered' }],
    ['was raised before it began', { timestamp: '2026-10-02T17:00:00.000+0000' }],
  ])('is not measured where it %s', (_, difference) => {
    expect(measureDetection({ alarmName, timestamp, reasonData, ...difference })).toEqual([]);
  });
});
