import type { Cluster } from '../contracts/clusters.ts';
import type { HostCommand } from '../contracts/membership.ts';
import { inspectionOf } from './host-place.ts';

/** inspect-host for each host that the configuration names, the spare ones too: those have no member. */
export function inspectionsOf(cluster: Cluster): HostCommand[] {
  const members = cluster.members.filter(({ host }) => host !== undefined);
  return [
    ...members.map(({ name }) => inspectionOf(cluster, name)),
    ...(cluster.spareHosts ?? []).map((spare) => ({
      ...inspectionOf({ ...cluster, members: [spare] }, spare.name),
      member: '',
    })),
  ];
}
