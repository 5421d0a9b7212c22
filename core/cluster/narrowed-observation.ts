import type { ConfiguredMember } from './clusters.ts';
import { hasPeerUrl } from './identity.ts';
import type { Observation } from './observation.ts';

/** Those of the configuration that were looked at, in the order in which they were. */
export function observedOf(configured: readonly ConfiguredMember[], { members }: Observation): ConfiguredMember[] {
  return configured.filter((member) => members.some(({ name }) => name === member.name));
}

/**
 * What was seen of some members only, for a proof that does not wait for the others. The others are left out of etcd's list too.
 * A member that is not configured stays in it.
 * @param names the members that stay; all, if undefined
 */
export function narrowTo(
  names: readonly string[] | undefined,
  configured: readonly ConfiguredMember[],
  observation: Observation,
): Observation {
  if (!names) return observation;
  const others = configured.filter(({ name }) => !names.includes(name));
  return {
    ...observation,
    members: observation.members.filter(({ name }) => names.includes(name)),
    memberList: observation.memberList.filter(
      (listed) => !others.some((other) => listed.name === other.name || hasPeerUrl(listed, other)),
    ),
  };
}
