import type { SpaceParameters } from '../contracts/execution-input.ts';
import type { AnsweringMember, Observation } from '../contracts/observation.ts';
import type { MemberSpace, NextAction, RaisedAlarm, SpaceAssessment } from '../contracts/space.ts';
import { PreconditionFailed, VerificationFailed } from '../errors.ts';
import { formatBytes, formatShare } from '../format.ts';
import { refuseUnsafeAlarms, requireConfiguredMembers, requireSettled, type SettledCluster } from './cluster-health.ts';

/** Without an alarm, a database above this share of its quota is worth a compaction, whatever is free in it already. */
const PREVENT_ABOVE_RATIO = 0.8;

/** A second defragmentation of a member helps where its compaction was still under way during the first; a third never did. */
const MAX_DEFRAGMENTATIONS_PER_MEMBER = 2;

/** Leadership that moves back again and again is a cluster that is not well; this many questions per member are enough. */
const MAX_TURNS_PER_MEMBER = 6;

/** Gates, in order: no unsafe alarm, all members there, one leader, everyone caught up. */
function requireReady(observation: Observation, whenSilent: 'stop' | 'wait'): SettledCluster {
  refuseUnsafeAlarms(observation);
  return requireSettled(requireConfiguredMembers(observation, whenSilent));
}

/**
 * Is it safe to start, is there something to do, and in which order?
 * @throws UnsafeToProceed, PreconditionFailed, EtcdUnavailable
 */
export function assessSpace(observation: Observation, parameters: SpaceParameters): SpaceAssessment {
  const cluster = requireReady(observation, 'stop');
  const { voters, leader } = cluster;
  const alarmed = observation.alarms.length > 0;
  const filling = voters.filter((member) => member.dbSizeBytes > member.quotaBytes * PREVENT_ABOVE_RATIO);
  const fragmented = voters.filter((member) => isWorthDefragmenting(member, parameters));
  const reclaim = alarmed || filling.length > 0 || fragmented.length > 0;
  const compactRevision = BigInt(leader.revision) - BigInt(parameters.retainRevisions);
  return {
    verdict: reclaim ? 'Reclaim' : 'NothingToDo',
    summary: summarize(observation.alarms, filling, fragmented),
    alarms: observation.alarms,
    members: describeMembers(cluster),
    compactRevision: reclaim && compactRevision > 0n ? compactRevision.toString() : '0',
    plan: reclaim ? order(voters, leader).map((member) => member.name) : [],
  };
}

function summarize(alarms: RaisedAlarm[], filling: AnsweringMember[], fragmented: AnsweringMember[]): string {
  const names = (members: AnsweringMember[]) => members.map((member) => member.name).join(', ');
  if (alarms.length > 0)
    return `NOSPACE is raised by ${alarms.length === 1 ? 'one member' : `${alarms.length} members`}: etcd refuses writes.`;
  if (filling.length > 0)
    return `No alarm yet, but above ${formatShare(PREVENT_ABOVE_RATIO)} of the quota: ${names(filling)}.`;
  if (fragmented.length > 0) return `No alarm, but space can be given back by: ${names(fragmented)}.`;
  return 'No alarm is raised, and no member would give back enough space to be worth a defragmentation.';
}

/**
 * The one next thing to do, decided anew from what the cluster looks like now: so a leader that changes, a member that
 * restarts, or a step that ran twice needs no case of its own.
 *
 * Followers come first, one at a time. The leader comes last, after leadership was moved to a voter that needs no
 * defragmentation any more: a leader that defragments stalls every write of the cluster. Learners are never defragmented
 * (etcd refuses it) and never made leader.
 *
 * @throws VerificationFailed before anything is defragmented in vain: full, but not fragmented
 * @throws EtcdUnavailable while members are not settled; PreconditionFailed, UnsafeToProceed
 */
export function chooseNext(
  observation: Observation,
  parameters: SpaceParameters,
  defragmented: readonly string[],
  turn: number,
): NextAction {
  const cluster = requireReady(observation, 'wait');
  const { voters, leader } = cluster;
  refuseFullButNotFragmented(cluster, parameters, observation.alarms);
  const pending = voters.filter(
    (member) =>
      needsDefragmentation(member, parameters) &&
      defragmented.filter((name) => name === member.name).length < MAX_DEFRAGMENTATIONS_PER_MEMBER,
  );
  const [next] = order(pending, leader);
  if (!next) return { action: 'Finish' };
  if (turn > voters.length * MAX_TURNS_PER_MEMBER) {
    throw new PreconditionFailed(
      `After ${turn} turns ${next.name} is still to be defragmented: leadership keeps moving, or the database grows as fast as it is ` +
        `reclaimed. ${describeSizes(cluster)}\nFind out what disturbs the cluster, then start again.`,
    );
  }
  const transferee = next === leader ? chooseTransferee(voters, pending, leader) : undefined;
  if (transferee) return { action: 'MoveLeadership', member: leader.name, transferee: transferee.name };
  return { action: 'Defragment', member: next.name };
}

/** Followers first, in the order of the configuration; the leader last. */
function order(members: readonly AnsweringMember[], leader: AnsweringMember): AnsweringMember[] {
  return [...members.filter((member) => member !== leader), ...members.filter((member) => member === leader)];
}

/** The most caught-up voter with nothing left to do; undefined where the leader is the only voter. */
function chooseTransferee(
  voters: readonly AnsweringMember[],
  pending: readonly AnsweringMember[],
  leader: AnsweringMember,
): AnsweringMember | undefined {
  return voters
    .filter((member) => member !== leader && !pending.includes(member))
    .toSorted((a, b) => Number(BigInt(b.raftAppliedIndex) - BigInt(a.raftAppliedIndex)))[0];
}

/** Whether a defragmentation of this voter gives back enough, or is needed to meet the quota. */
export function needsDefragmentation(member: AnsweringMember, parameters: SpaceParameters): boolean {
  return isWorthDefragmenting(member, parameters) || isNecessaryToDefragment(member, parameters);
}

function isWorthDefragmenting(member: AnsweringMember, parameters: SpaceParameters): boolean {
  const reclaimableBytes = member.dbSizeBytes - member.dbSizeInUseBytes;
  return (
    reclaimableBytes > 0 &&
    reclaimableBytes >= parameters.minReclaimBytes &&
    reclaimableBytes >= member.dbSizeBytes * parameters.minReclaimRatio
  );
}

/** Over the threshold, but what is in use would be under it. */
function isNecessaryToDefragment(member: AnsweringMember, parameters: SpaceParameters): boolean {
  const limitBytes = member.quotaBytes * parameters.disarmBelowRatio;
  return member.dbSizeBytes > limitBytes && member.dbSizeInUseBytes <= limitBytes;
}

function refuseFullButNotFragmented(cluster: SettledCluster, parameters: SpaceParameters, alarms: RaisedAlarm[]): void {
  const full = cluster.voters.filter(
    (member) => member.dbSizeInUseBytes > member.quotaBytes * parameters.disarmBelowRatio,
  );
  if (full.length === 0) return;
  const { retainRevisions } = parameters;
  const except = retainRevisions > 0 ? ` except for its newest ${retainRevisions} revisions` : '';
  throw new VerificationFailed(
    `The database is full, not fragmented: history is compacted${except}, and what is left in use is still over ` +
      `${formatShare(parameters.disarmBelowRatio)} of the quota on ${full.map((member) => member.name).join(', ')}. ` +
      `A defragmentation would free nothing that helps. ${describeSizes(cluster)}\n` +
      'Raise the quota (--quota-backend-bytes on every member, and quotaBackendBytes in clusters.json)' +
      `${retainRevisions > 0 ? ', retain fewer revisions' : ''} or delete keys, then start again. ` +
      (alarms.length > 0
        ? 'The alarm is kept: etcd goes on refusing writes.'
        : 'No alarm is raised yet: etcd still takes writes.'),
    'NotFragmented',
  );
}

/**
 * The alarms to disarm: each (member, NOSPACE) pair that etcd lists, whoever raised it, even a member since removed
 * (https://github.com/etcd-io/etcd/issues/14379).
 * @throws VerificationFailed while any member, learners too, is over the threshold: the next write would raise the alarm again
 */
export function chooseAlarmsToDisarm(observation: Observation, parameters: SpaceParameters): RaisedAlarm[] {
  const cluster = requireReady(observation, 'wait');
  if (observation.alarms.length === 0) return [];
  refuseFullButNotFragmented(cluster, parameters, observation.alarms);
  const over = [...cluster.voters, ...cluster.learners].filter(
    (member) => member.dbSizeBytes > member.quotaBytes * parameters.disarmBelowRatio,
  );
  if (over.length === 0) return observation.alarms;
  const learners = over.filter((member) => member.isLearner);
  const advice =
    learners.length > 0
      ? `etcd does not defragment a learner: remove ${learners.map((member) => member.name).join(', ')} and add it again once the voters ` +
        'are small, or promote it; then start again.'
      : 'Look for a compaction that is still running or a writer that fills the space at once; then start again.';
  throw new VerificationFailed(
    `Still over ${formatShare(parameters.disarmBelowRatio)} of the quota: ${over.map((member) => member.name).join(', ')}. Disarmed now, the ` +
      `alarm would be raised again by the next write, so it is kept. ${describeSizes(cluster)}\n${advice}`,
  );
}

function describeSizes(cluster: SettledCluster): string {
  return describeMembers(cluster)
    .map(
      (member) =>
        `\n- ${member.name} (${member.role}): database ${formatBytes(member.dbSizeBytes)}, in use ` +
        `${formatBytes(member.dbSizeInUseBytes)}, quota ${formatBytes(member.quotaBytes)}`,
    )
    .join('');
}

/**
 * The members as they are at the end of a remediation.
 * @throws VerificationFailed when an alarm is raised again; EtcdUnavailable while members are not settled
 */
export function describeSettled(observation: Observation): MemberSpace[] {
  const cluster = requireReady(observation, 'wait');
  if (observation.alarms.length > 0) {
    throw new VerificationFailed(
      `NOSPACE is raised again right after it was disarmed. ${describeSizes(cluster)}\nEither a writer fills the space at once, or a ` +
        "member's real quota is smaller than quotaBackendBytes in clusters.json.",
    );
  }
  return describeMembers(cluster);
}

function describeMembers(cluster: SettledCluster): MemberSpace[] {
  return [...cluster.voters, ...cluster.learners].map((member) => ({
    name: member.name,
    id: member.id,
    role: member === cluster.leader ? 'leader' : member.isLearner ? 'learner' : 'follower',
    version: member.version,
    dbSizeBytes: member.dbSizeBytes,
    dbSizeInUseBytes: member.dbSizeInUseBytes,
    quotaBytes: member.quotaBytes,
  }));
}
