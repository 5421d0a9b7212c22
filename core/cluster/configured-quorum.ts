import type { Cluster, ConfiguredMember } from './clusters.ts';
import type { Observation } from './observation.ts';

/** Who votes, as the configuration says: etcd's own list cannot be read without a quorum. */
export function votersOf({ members }: Cluster): ConfiguredMember[] {
  return members.filter(({ learner }) => learner !== true);
}

/** More than half of the configured voters. */
export function quorumIn(cluster: Cluster): number {
  return Math.floor(votersOf(cluster).length / 2) + 1;
}

/**
 * A follower forgets its leader when heartbeats stop. So a quorum that follows one leader works, even if that leader does
 * not answer us and reads take too long.
 */
export function isAnyLeaderFollowed(cluster: Cluster, { members }: Pick<Observation, 'members'>): boolean {
  const voters = votersOf(cluster).map(({ name }) => name);
  const following = members.filter((seen) => seen.answering && !seen.isLearner && voters.includes(seen.name));
  return following.some((first) => {
    const ids = following.flatMap((seen) =>
      seen.answering && first.answering && seen.leaderId === first.leaderId && seen.leaderId !== '0' ? [seen.id] : [],
    );
    return new Set(ids).size >= quorumIn(cluster);
  });
}
