import { isBehind, refuseUnsafeAlarms, silentAt } from '../cluster/cluster-health.ts';
import type { Cluster } from '../cluster/clusters.ts';
import { mistakenAnswers } from '../cluster/identity.ts';
import type { AnsweringMember, Observation } from '../cluster/observation.ts';
import { EtcdUnavailable, PreconditionFailed } from '../errors.ts';
import { START_AGAIN } from '../text/format.ts';

/** A member whose database may be read as a whole. */
export interface ReadSource {
  member: string;
  leads: boolean;
}

/**
 * Whose database is read as a whole, for a backup or an analysis, the best first: a follower that is caught up, and of these the one with the
 * smallest database, for all hold the same.
 * The leader is the last, because all writes go through it. NOSPACE, or a member that is down, is no reason not to.
 *
 * @param undone what is not there where none can be read
 * @throws UnsafeToProceed where members may hold different data
 * @throws PreconditionFailed where somebody else answers in the place of a member
 * @throws EtcdUnavailable where no quorum is at work: what is left on hosts is for a quorum recovery
 */
export function orderSources(cluster: Cluster, observation: Observation, undone = 'No backup was made'): ReadSource[] {
  const { members, memberList } = observation;
  requireOwnAnswers(cluster, observation, undone);
  refuseUnsafeAlarms(observation);
  const voters = members.filter((member): member is AnsweringMember => member.answering && !member.isLearner);
  const following = voters.filter(
    ({ id, leaderId }) => leaderId !== '0' && memberList.some((listed) => listed.id === id && !listed.isLearner),
  );
  const newest = following.reduce<AnsweringMember | undefined>(
    (most, each) => (most && BigInt(most.raftAppliedIndex) >= BigInt(each.raftAppliedIndex) ? most : each),
    undefined,
  );
  const fit = newest ? following.filter((each) => !isBehind(newest, each)) : [];
  if (fit.length === 0) {
    const silent = members.flatMap((member) => (member.answering ? [] : [`\n- ${silentAt(member)}`]));
    throw new EtcdUnavailable(
      `${undone}: no member that answers is a voter with a leader. If the quorum is lost, see the incident quorum-lost: it salvages what ` +
        `is left, and restores a backup that was made before where nothing newer is.${silent.join('')}`,
    );
  }
  return fit
    .map((member) => ({ ...member, leads: member.id === member.leaderId }))
    .toSorted((a, b) => Number(a.leads) - Number(b.leads) || a.dbSizeBytes - b.dbSizeBytes)
    .map(({ name, leads }) => ({ member: name, leads }));
}

/** A backup of another cluster would be restored one day in the place of this one's data. */
function requireOwnAnswers({ members }: Cluster, observation: Observation, undone: string): void {
  const mistakes = mistakenAnswers(members, observation);
  if (mistakes.length === 0) return;
  throw new PreconditionFailed(
    `Who answers is not what clusters.json says, so nobody can tell whose data it is. ${undone}:${mistakes
      .map(({ message }) => `\n- ${message}`)
      .join('')}\nCorrect this. ${START_AGAIN}`,
  );
}
