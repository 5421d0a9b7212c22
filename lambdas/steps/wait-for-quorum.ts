import type { Cluster } from '../../core/cluster/clusters.ts';
import { requireIdentities } from '../../core/cluster/identity.ts';
import { surveyMembers } from '../../core/cluster/member-survey.ts';
import { EtcdUnavailable } from '../../core/errors.ts';
import { describeHeld, type HeldLog, lessThanHeld } from '../../core/hosts/newer-data.ts';
import { type QuorumSighting, waitForQuorumInput } from '../../core/quorum-recovery/contracts.ts';
import type { EtcdCluster } from '../etcd/cluster.ts';
import { etcdStep } from '../step.ts';

const BETWEEN_READINGS_MS = 250;
/** Of a member that has a leader, a read of its own database takes milliseconds; one that is about to find a leader lets everybody wait. */
const ANSWER_MS = 2_000;

/**
 * Each look asks for alarms, which etcd writes into its log: after some dozens a cluster that began empty is as far as the log of a small one was. And after
 * the first to which a quorum has agreed, one that has its data knows all of it as committed.
 */
const MOST_TIMES_BEHIND = 2;

/** Looks until a quorum follows one leader, for `waitSeconds` at most. That none does is an answer, not an error. */
export const handler = etcdStep(
  waitForQuorumInput,
  async (etcd, { cluster, held, waitSeconds }): Promise<QuorumSighting> => {
    const until = Date.now() + waitSeconds * 1000;
    for (let timesBehind = 0; ; ) {
      const { isBehind, ...sighting } = await look(etcd, cluster, held);
      if (isBehind) timesBehind += 1;
      if (sighting.led || timesBehind >= MOST_TIMES_BEHIND || Date.now() >= until) return sighting;
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_READINGS_MS));
    }
  },
);

async function look(
  etcd: EtcdCluster,
  { members }: Cluster,
  held: readonly HeldLog[],
): Promise<QuorumSighting & { isBehind: boolean }> {
  try {
    const observation = await etcd.observe((member) => member.look(ANSWER_MS));
    requireIdentities(members, observation, { begun: true });
    const { leader } = surveyMembers(members, observation);
    const answering = observation.members.filter((seen) => seen.answering);
    const ahead = held.find((log) => lessThanHeld(log, answering) !== undefined);
    if (ahead) {
      const summary =
        `${leader.name} leads, and a quorum follows it, but only ${lessThanHeld(ahead, answering)}. A host holds the log of this cluster up to ` +
        `${describeHeld(ahead)}. So these members have lost their data and began empty: this is not the quorum that was lost.`;
      return { led: false, isBehind: observation.memberList.length > 0, summary };
    }
    return { led: true, isBehind: false, summary: `${leader.name} leads, and a quorum follows it.` };
  } catch (error) {
    if (!(error instanceof EtcdUnavailable)) throw error;
    return { led: false, isBehind: false, summary: error.message };
  }
}
