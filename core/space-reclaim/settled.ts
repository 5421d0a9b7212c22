import type { z } from 'zod';
import { refuseUnsafeAlarms } from '../cluster/cluster-health.ts';
import type { Observation } from '../cluster/observation.ts';
import type { disarmAlarmsInput } from './contracts.ts';
import { settleWithout, type WorkingCluster } from './left-out-members.ts';

export type Request<Input extends z.ZodType> = z.output<Input>;

/** Gates, in order: no unsafe alarm, all members there but those that were left out, one leader, everyone caught up. */
export function requireReady(
  observation: Observation,
  { cluster, leftOut }: Pick<Request<typeof disarmAlarmsInput>, 'cluster' | 'leftOut'>,
): WorkingCluster {
  refuseUnsafeAlarms(observation);
  return settleWithout(leftOut, observation, cluster.members, 'wait');
}

export function describeUnlisted({ unlisted }: WorkingCluster): string {
  if (unlisted.length === 0) return '';
  return `etcd has no member ${unlisted.join(', ')}, so there is nothing to reclaim of it; the incident member-failed adds it.`;
}
