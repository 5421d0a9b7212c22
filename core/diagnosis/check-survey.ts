import type { Cluster } from '../cluster/clusters.ts';
import { inspectionOf } from '../hosts/host-place.ts';
import type { HostCommand } from '../hosts/run-host-commands.ts';

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
