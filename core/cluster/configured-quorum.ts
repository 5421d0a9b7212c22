import type { Cluster, ConfiguredMember } from './clusters.ts';

/** Who votes, as the configuration says: etcd's own list cannot be read without a quorum. */
export function votersOf({ members }: Cluster): ConfiguredMember[] {
  return members.filter(({ learner }) => learner !== true);
}

/** More than half of the configured voters. */
export function quorumIn(cluster: Cluster): number {
  return Math.floor(votersOf(cluster).length / 2) + 1;
}
