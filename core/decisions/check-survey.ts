import type { Cluster, ConfiguredMember, Layout } from '../contracts/clusters.ts';
import type { HostCommand } from '../contracts/membership.ts';
import { inspectionOf } from './host-place.ts';

/** inspect-host for each host that the configuration names, the spare ones too. */
export function inspectionsOf(cluster: Cluster): HostCommand[] {
  const members = cluster.members.filter(({ host }) => host !== undefined);
  return [
    ...members.map(({ name }) => inspectionOf(cluster, name)),
    ...spareMembersOf(cluster).map((spare) => ({
      ...inspectionOf({ ...cluster, members: [spare] }, spare.name),
      member: '',
    })),
  ];
}

/** A spare host as if a member were to be there: what it is called, and where it is reached, is said by whoever names it in a replacement. */
export function spareMembersOf({ spareHosts = [] }: Cluster): ConfiguredMember[] {
  return spareHosts.map(({ host, layout }) => ({
    name: host,
    clientUrl: '',
    peerUrl: '',
    host,
    ...(layout && { layout: layout as Partial<Layout> }),
  }));
}
