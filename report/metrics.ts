import type { Measurement } from '../core/cluster/metrics.ts';
import { alarmedCluster } from '../core/diagnosis/detection.ts';
import type { IncidentReport } from './incident-report.ts';

type Ended = Pick<IncidentReport, 'cluster' | 'outcome' | 'cost'>;

/** Ends that are no success and no failure: nothing was wrong, or whoever was asked did not want it. */
const NEITHER = ['NothingToDo', 'Planned', 'ApprovalRejected'];

/** What became of a remediation that was no dry run. Nothing of one whose cluster nobody knows. */
export function measureRemediation({ cluster, outcome, cost }: Ended): Measurement[] {
  if (cluster === '' || NEITHER.includes(outcome)) return [];
  const isCured = outcome === 'Remediated';
  return [
    {
      dimensions: { cluster },
      values: {
        Remediated: isCured ? 1 : 0,
        RemediationFailed: isCured ? 0 : 1,
        ...(isCured && { RemediationSeconds: cost.durationMs / 1000 }),
      },
    },
  ];
}

interface RaisedAlarm {
  alarmName: string;
  /** When it was raised: `2019-10-02T17:04:40.985+0000`. */
  timestamp: string;
  /** JSON, in which `startDate` is when the first minute began that it looked at; an alarm of alarms has none. */
  reasonData?: string | undefined;
}

/** How long it took until an alarm of a cluster was raised. Nothing of an alarm that does not tell since when. */
export function measureDetection({ alarmName, timestamp, reasonData }: RaisedAlarm): Measurement[] {
  const named = alarmedCluster(alarmName);
  const since = /"startDate":"([^"]+)"/.exec(reasonData ?? '')?.[1] ?? '';
  const seconds = (Date.parse(timestamp) - Date.parse(since)) / 1000;
  return named && seconds >= 0
    ? [{ dimensions: { cluster: named.cluster }, values: { DetectionSeconds: seconds } }]
    : [];
}
