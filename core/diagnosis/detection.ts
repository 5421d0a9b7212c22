import * as z from 'zod';
import { clusterName } from '../cluster/clusters.ts';
import type { Incident } from '../remediation/execution-input.ts';

/** How a cluster is watched: what the detector measures each minute, and the names by which alarms, rules and callers find it. */

/** The function of the step detect-incidents: one for all clusters, which their schedules invoke by this name. */
export const DETECTOR_FUNCTION = 'etcd-remediation-detect-incidents';

/** The role as which the schedules of all clusters invoke it. A role's name is one for all regions of an account. */
export function schedulerRoleName(region: string): string {
  return `etcd-remediation-scheduler-${region}`;
}

/** The topic to which whoever is on call subscribes. */
export const PAGES_TOPIC = 'etcd-remediation-pages';

/** Where alarms and workflows send their pages: those that come in together are sent on as one message. */
export const INCOMING_PAGES_TOPIC = 'etcd-remediation-incoming-pages';

/** Sends them on. */
export const PAGER_STATE_MACHINE = 'etcd-remediation-pager';

/** What every alarm's name begins with that is about one cluster and starts a remediation of it: an alarm of whoever runs the cluster, too. */
export const ALARM_PREFIX = 'etcd-remediation/';

export function alarmPrefix(cluster: string): string {
  return `${ALARM_PREFIX}${cluster}/`;
}

/** How the name of the alarm ends that needs its incident said: to a diagnosis a cluster that is nearly full is a healthy one. */
export const NEARLY_FULL = 'nearly-full';

/** `etcd-remediation/<cluster>/<what>`: which cluster it is about; undefined where it is none of these. */
export function alarmedCluster(alarmName: string): { cluster: string; incident?: Incident } | undefined {
  const [platform = '', cluster, what, ...rest] = alarmName.split('/');
  if (!`${platform}/`.endsWith(ALARM_PREFIX) || !cluster || !what) return undefined;
  return { cluster, ...(what === NEARLY_FULL && rest.length === 0 && { incident: 'space-exceeded' }) };
}

/** What every alarm's name begins with that is about the watch itself, and starts nothing. */
export const WATCH_ALARM_PREFIX = 'etcd-remediation-';

export const METRIC_NAMESPACE = 'EtcdRemediation';

/** The metrics and their units, as CloudWatch names these. Those of a member have the dimensions cluster and member, the others cluster alone. */
export const METRICS = {
  /** Voters that follow the leader and are caught up. */
  HealthyVoters: 'Count',
  /** Members that a replacement would be for: failed, or not promoted. */
  FailedMembers: 'Count',
  /** Members that refuse us, or that we do not get to: what is wrong with them, nobody sees. */
  InaccessibleMembers: 'Count',
  /** 1 where a quorum agrees on something or follows a leader; left out where nobody can tell. */
  HasLeader: 'Count',
  /** Alarms of etcd that are NOSPACE. */
  NoSpace: 'Count',
  /** Alarms of etcd that are anything else, CORRUPT first of all. */
  Corrupt: 'Count',
  /** Members that reject tokens which were issued a moment ago. */
  TokensRejected: 'Count',
  /** 1 where the login cannot do what a runbook has to. */
  LoginUnfit: 'Count',
  /** 1 where the diagnosis names an incident. */
  IncidentPresent: 'Count',
  /** Of the cluster: that of the fullest member. */
  QuotaUsedPercent: 'Percent',
  /** What a defragmentation could give back of the database. */
  FragmentationPercent: 'Percent',
  /** Log entries behind the leader. */
  RaftLagEntries: 'Count',
  /** 1 where a remediation asks for an approval, and each ten minutes for as long as it does; not of the detector. */
  ApprovalWanted: 'Count',
  DetectorRuns: 'Count',
  /** 1 where the look came to nothing. */
  DetectorErrors: 'Count',
} as const satisfies Record<string, 'Count' | 'Percent'>;
export type MetricName = keyof typeof METRICS;

/** Values of one moment. What could not be read is left out: a value that nobody has seen is not 0. */
export interface Measurement {
  dimensions: { cluster: string; member?: string };
  values: Partial<Record<MetricName, number>>;
}

/** detect-incidents */
export const detectIncidentsInput = z.strictObject({ cluster: clusterName });
export interface DetectedIncidents {
  /** What was written to the log: a line of embedded metric format for the cluster, and one for each member. */
  lines: string[];
}
