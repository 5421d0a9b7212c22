import type { SettledCluster } from '../cluster/cluster-health.ts';
import type { AnsweringMember, Observation } from '../cluster/observation.ts';
import { PreconditionFailed, VerificationFailed } from '../errors.ts';
import { formatShare } from '../text/format.ts';
import type { chooseNextDefragmentationInput, NextDefragmentation } from './contracts.ts';
import {
  goalRatioOf,
  hasSomethingToGive,
  isAbove,
  isUnproven,
  isWorthDefragmenting,
  order,
  reportsUseAfterCompaction,
} from './goals.ts';
import { areQuotasInDoubt, assessedQuotas } from './quotas.ts';
import { type Request, requireReady } from './settled.ts';
import { describeSizes } from './sizes.ts';

/** A second defragmentation of a member helps where its compaction was still under way during the first; a third never did. */
const MAX_DEFRAGMENTATIONS_PER_MEMBER = 2;

/** The reason of the error where no member can become small enough. */
export const FULL = 'Full';

/** Leadership that moves back again and again is a cluster that is not well; this many questions per member are enough. */
const MAX_TURNS_PER_MEMBER = 6;

/**
 * The one next thing to do, decided again from the cluster as it is now. So a changed leader, a member that
 * restarts, or a step that ran twice needs no case of its own.
 *
 * Followers come first, one at a time. The leader comes last, after leadership was moved to a voter that needs no
 * defragmentation any more, unless it is to be kept. A member that defragments stalls its clients, and many are pinned to the leader.
 * Writes through the others go on meanwhile, about 0.3 s late at the most (databases of 300 MB, etcd 3.5.35 and 3.7.3). Learners are
 * never defragmented (etcd refuses it) and never made leader.
 *
 * A database may look full although it is not. After a compaction without further writes, etcd 3.4 still reports the old
 * dbSizeInUse, and 3.6 does now and then (measured on 3.4.23 and 3.6.16). So while an alarm stops all writes, the figure is trusted only after
 * the member was defragmented. If the database really is full, one follower is defragmented in vain, and no more.
 *
 * If the quota is only concluded from an alarm, a database that cannot become smaller proves nothing: a write decides. Then each
 * member whose quota is in doubt is defragmented once, and left alone if that frees nothing.
 *
 * @param nowMs as Date.now() returns it
 * @throws VerificationFailed when what is in use is over the goal: full, but not fragmented
 * @throws EtcdUnavailable while members are not settled; PreconditionFailed, UnsafeToProceed
 */
export function chooseNextDefragmentation(
  observation: Observation,
  request: Request<typeof chooseNextDefragmentationInput>,
  nowMs: number,
): NextDefragmentation {
  const { parameters, defragmented, turn } = request;
  const cluster = requireReady(observation, request);
  const { voters, leader } = cluster;
  const { alarms } = observation;
  const quotaOf = assessedQuotas(request.quotas);
  const goalRatio = goalRatioOf(observation, parameters);
  const timesDefragmented = (member: AnsweringMember) => defragmented.filter((name) => name === member.name).length;
  const isBelieved = (member: AnsweringMember) => alarms.length === 0 || timesDefragmented(member) > 0;
  const full = voters.filter((member) => isBelieved(member) && isAbove(goalRatio, member, 'dbSizeInUseBytes', quotaOf));
  const isConcluded = (member: AnsweringMember) => quotaOf(member).source === 'alarm';
  if (!full.every(isConcluded)) throw fullButNotFragmented(full, cluster, observation, request);
  const bounds = request.quotas.flatMap(({ quotaSource, quotaBytes }) => (quotaSource === 'alarm' && quotaBytes) || []);
  // All members hold the same keys: what one has in use after its defragmentation, the others have, too.
  const isShownFull =
    bounds.length > 0 &&
    voters.some((member) => timesDefragmented(member) > 0 && member.dbSizeInUseBytes > Math.max(...bounds) * goalRatio);
  const areInDoubt = areQuotasInDoubt(observation, request.quotas);
  const mayGiveBack = (member: AnsweringMember) =>
    areInDoubt &&
    !member.quotaIsReported &&
    timesDefragmented(member) === 0 &&
    (hasSomethingToGive(member) || (!reportsUseAfterCompaction(member) && !isShownFull));
  const hasToShrink = (member: AnsweringMember) =>
    isAbove(goalRatio, member, 'dbSizeBytes', quotaOf) && !isUnproven(member, goalRatio, quotaOf);
  const pending = voters.filter(
    (member) =>
      !request.withoutRoom.includes(member.name) &&
      (mayGiveBack(member) ||
        ((isWorthDefragmenting(member, parameters) || hasToShrink(member)) &&
          timesDefragmented(member) < MAX_DEFRAGMENTATIONS_PER_MEMBER)),
  );
  const [next] = order(pending, leader);
  if (!next) return { action: 'Finish' };
  const isOver = parameters.until !== undefined && nowMs >= Date.parse(parameters.until);
  // A full store does not wait for the next window.
  if (isOver && alarms.length === 0) return { action: 'Finish', left: pending.map(({ name }) => name) };
  if (turn > voters.length * MAX_TURNS_PER_MEMBER) {
    throw new PreconditionFailed(
      `After ${turn} turns ${next.name} is still to be defragmented: leadership keeps moving, or the database grows as fast as it is ` +
        `reclaimed. ${describeSizes(cluster, quotaOf)}\nFind out what disturbs the cluster, then start again.`,
    );
  }
  const isToMove = next === leader && parameters.leadership === 'move';
  const transferee = isToMove ? chooseTransferee(voters, leader) : undefined;
  if (transferee) return { action: 'MoveLeadership', member: leader.name, transferee: transferee.name };
  return { action: 'Defragment', member: next.name };
}

/** The most caught-up voter besides the leader; undefined where the leader is the only voter. */
function chooseTransferee(voters: readonly AnsweringMember[], leader: AnsweringMember): AnsweringMember | undefined {
  return voters
    .filter((member) => member !== leader)
    .toSorted((a, b) => Number(BigInt(b.raftAppliedIndex) - BigInt(a.raftAppliedIndex)))[0];
}

function fullButNotFragmented(
  full: AnsweringMember[],
  cluster: SettledCluster,
  observation: Observation,
  { parameters, quotas }: Pick<Request<typeof chooseNextDefragmentationInput>, 'parameters' | 'quotas'>,
): VerificationFailed {
  const { retainRevisions } = parameters;
  const except = retainRevisions > 0 ? ` except for its newest ${retainRevisions} revisions` : '';
  const names = full.map((member) => member.name).join(', ');
  return new VerificationFailed(
    `The database is full, not fragmented: history is compacted${except}, and what is left in use is over ` +
      `${formatShare(goalRatioOf(observation, parameters))} of the quota on ${names}. ${describeSizes(cluster, assessedQuotas(quotas))}\n` +
      'Raise the quota (--quota-backend-bytes on every member, and quotaBackendBytes in clusters.json)' +
      `${retainRevisions > 0 ? ', retain fewer revisions' : ''} or delete keys, then start again. ` +
      (observation.alarms.length > 0
        ? 'The alarm is kept: etcd goes on refusing writes.'
        : 'No alarm is raised yet: etcd still takes writes.'),
    FULL,
  );
}
