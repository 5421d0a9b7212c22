import type * as z from 'zod';
import { type ChangedMembership, changeMembershipInput } from '../../core/member-replacement/contracts.ts';
import { chooseNextChange, scopeInView } from '../../core/member-replacement/next-change.ts';
import { summarizeChange } from '../../core/member-replacement/summaries.ts';
import type { EtcdCluster } from '../etcd/cluster.ts';
import { etcdStep } from '../step.ts';

/**
 * Removes, adds or promotes one member, if that is still the next thing to do: a member may have failed or come back since it was
 * chosen. If it is not, nothing is done and the choice is made again. That also makes the step safe to run twice.
 */
export const handler = etcdStep(
  changeMembershipInput,
  async (etcd, input) => {
    const changed = await changeIfNext(etcd, input);
    return { ...changed, summary: summarizeChange(input.change, changed) };
  },
  (input) => ({ ...input.cluster, members: scopeInView(input).observed }),
);

async function changeIfNext(
  etcd: EtcdCluster,
  { change, ...input }: z.output<typeof changeMembershipInput>,
): Promise<ChangedMembership> {
  const observation = await etcd.observe();
  const next = chooseNextChange(observation, input);
  const leader = etcd.leaderIn(observation);
  if (next.action !== change) return { changed: false, member: '', id: '' };
  switch (next.action) {
    case 'RemoveMember':
      return { changed: await leader.removeMember(next.id), member: next.member, id: next.id };
    case 'AddMember':
      return { changed: await leader.addMember(next.peerUrls, next.asLearner), member: next.member, id: '' };
    case 'PromoteMember':
      return { changed: await leader.promoteMember(next.id), member: next.member, id: next.id };
  }
}
