import * as z from 'zod';
import { clusterName } from '../cluster/clusters.ts';
import type { Summarized } from '../runbook/summary.ts';
import { INCIDENTS, type Incident, RUNBOOKS } from '../runbooks.ts';

/** How a cluster is watched: what the detector measures each minute, and the names by which alarms, rules and callers find it. */

/** The function of the step detect-incidents: one for all clusters, which their schedules invoke by this name. */
export const DETECTOR_FUNCTION = 'etcd-remediation-detect-incidents';

/** The role as which the schedules of all clusters invoke it. A role's name is one for all regions of an account. */
export function schedulerRoleName(region: string): string {
  return `etcd-remediation-scheduler-${region}`;
}

/** The topic to which the person on call subscribes. */
export const PAGES_TOPIC = 'etcd-remediation-pages';

/** Where alarms and workflows send their pages: those that come in together are sent on as one message. */
export const INCOMING_PAGES_TOPIC = 'etcd-remediation-incoming-pages';

/** Sends them on. */
export const PAGER_STATE_MACHINE = 'etcd-remediation-pager';

/** What every alarm's name begins with that is about one cluster and starts a remediation of it: also an alarm of the cluster's operators. */
export const ALARM_PREFIX = 'etcd-remediation/';

export function alarmPrefix(cluster: string): string {
  return `${ALARM_PREFIX}${cluster}/`;
}

/** `etcd-remediation/<cluster>/<what>`: which cluster it is about; undefined where it is none of these. */
export function alarmedCluster(alarmName: string): { cluster: string; incident?: Incident } | undefined {
  const [platform = '', cluster, what, ...rest] = alarmName.split('/');
  if (!`${platform}/`.endsWith(ALARM_PREFIX) || !cluster || !what) return undefined;
  const incident = rest.length === 0 ? INCIDENTS.find((each) => RUNBOOKS[each].alarms[what]?.saysIncident) : undefined;
  return { cluster, ...(incident && { incident }) };
}

/** What every alarm's name begins with that is about the watch itself, and starts nothing. */
export const WATCH_ALARM_PREFIX = 'etcd-remediation-';

/** detect-incidents */
export const detectIncidentsInput = z.strictObject({ cluster: clusterName });
export interface DetectedIncidents extends Summarized {
  /** What was written to the log: a line of embedded metric format for the cluster, and one for each member. */
  lines: string[];
}
