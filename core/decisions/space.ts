import type { z } from 'zod';
import type { SpaceParameters } from '../contracts/execution-input.ts';
import type { AnsweringMember, Observation } from '../contracts/observation.ts';
import type {
  assessSpaceInput,
  chooseNextMemberInput,
  disarmAlarmsInput,
  LeftOutMember,
  MemberSpace,
  NextAction,
  ProvenWrites,
  proveWritesInput,
  RaisedAlarm,
  SpaceAssessment,
} from '../contracts/space.ts';
import { PreconditionFailed, VerificationFailed } from '../errors.ts';
import { formatBytes, formatShare } from '../format.ts';
import { describeId, refuseUnsafeAlarms, type SettledCluster } from './cluster-health.ts';
import { membersToLeaveOut, settleWithout, type WorkingCluster } from './left-out-members.ts';
import { quorumOf } from './member-survey.ts';
import { describeSpaceSteps } from './space-steps.ts';

/** Without an alarm, a database above this share of its quota is worth a compaction, whatever is free in it already. */
export const PREVENT_ABOVE_RATIO = 0.8;

/** The first release whose status tells what this runbook decides by. */
const OLDEST_RELEASE = [3, 4] as const;

/** A second defragmentation of a member helps where its compaction was still under way during the first; a third never did. */
const MAX_DEFRAGMENTATIONS_PER_MEMBER = 2;

/** Leadership that moves back again and again is a cluster that is not well; this many questions per member are enough. */
const MAX_TURNS_PER_MEMBER = 6;

function refuseOldReleases({ voters, learners }: SettledCluster): void {
  const old = [...voters, ...learners].filter(({ version }) => {
    const [major = 0, minor = 0] = version.split('.').map(Number);
    return major < OLDEST_RELEASE[0] || (major === OLDEST_RELEASE[0] && minor < OLDEST_RELEASE[1]);
  });
  if (old.length === 0) return;
  throw new PreconditionFailed(
    `${old.map((member) => `${member.name} runs etcd ${member.version}`).join(', ')}: before ${OLDEST_RELEASE.join('.')} a member does not tell ` +
      'how far it has applied the log and how much of its database is in use. Upgrade etcd, or follow docs/runbooks.md by hand.',
  );
}

type Request<Input extends z.ZodType> = z.output<Input>;

/** Gates, in order: no unsafe alarm, all members there but those that were left out, one leader, everyone caught up. */
function requireReady(
  observation: Observation,
  { cluster, leftOut }: Pick<Request<typeof disarmAlarmsInput>, 'cluster' | 'leftOut'>,
): WorkingCluster {
  refuseUnsafeAlarms(observation);
  return settleWithout(leftOut, observation, cluster.members, 'wait');
}

/**
 * Is it safe to start, is there something to do, and in which order?
 * @throws UnsafeToProceed, PreconditionFailed, EtcdUnavailable
 */
export function assessSpace(
  observation: Observation,
  { cluster: { members }, parameters }: Request<typeof assessSpaceInput>,
): SpaceAssessment {
  refuseUnsafeAlarms(observation);
  const cluster = settleWithout(membersToLeaveOut(observation), observation, members, 'stop');
  const { voters, leader, leftOut } = cluster;
  refuseOldReleases(cluster);
  const alarmed = observation.alarms.length > 0;
  const filling = voters.filter((member) => member.dbSizeBytes > member.quotaBytes * PREVENT_ABOVE_RATIO);
  const fragmented = voters.filter((member) => isWorthDefragmenting(member, parameters));
  const reclaim = alarmed || filling.length > 0 || fragmented.length > 0;
  const target = BigInt(leader.revision) - BigInt(parameters.retainRevisions);
  // Free pages can be given back without a compaction, and every compaction may break a watcher that lags.
  const compactRevision = (alarmed || filling.length > 0) && target > 0n ? target.toString() : '0';
  const plan = reclaim ? order(voters, leader).map((member) => member.name) : [];
  const raisedBy = observation.alarms.map(({ memberId }) => describeId(observation, memberId));
  return {
    verdict: reclaim ? 'Reclaim' : 'NothingToDo',
    summary: `${summarize(observation, filling, fragmented)}${describeLeavingOut(cluster, observation)}`,
    alarms: observation.alarms,
    members: describeMembers(cluster),
    leftOut,
    compactRevision,
    plan,
    steps: reclaim ? describeSpaceSteps({ compactRevision, order: plan, leader: leader.name, raisedBy }) : [],
  };
}

function summarize(observation: Observation, filling: AnsweringMember[], fragmented: AnsweringMember[]): string {
  const names = (members: AnsweringMember[]) => members.map((member) => member.name).join(', ');
  if (observation.alarms.length > 0) {
    const raisers = observation.alarms.map((raised) => describeId(observation, raised.memberId)).join(', ');
    return `NOSPACE is raised by ${raisers}: etcd refuses writes.`;
  }
  if (filling.length > 0) {
    return `No alarm yet, but above ${formatShare(PREVENT_ABOVE_RATIO)} of the quota: ${names(filling)}.`;
  }
  if (fragmented.length > 0) return `No alarm, but space can be given back by: ${names(fragmented)}.`;
  return 'No alarm is raised, and no member would give back enough space to be worth a defragmentation.';
}

/** Nothing where nobody is left out. Why each of them is, `leftOut` says. */
function describeLeavingOut({ voters, leftOut }: WorkingCluster, { memberList }: Observation): string {
  if (leftOut.length === 0) return '';
  const names = leftOut.map(({ member }) => member).join(', ');
  const count = memberList.filter(({ isLearner }) => !isLearner).length;
  const isEachNeeded = voters.length - 1 < quorumOf(memberList);
  const care = isEachNeeded
    ? ', which needs each of them: one whose disk has no room for what is in use of its database would end in its defragmentation.'
    : '.';
  return ` Left out, without an answer: ${names}. ${voters.length} of ${count} voters answer, a quorum${care}`;
}

/**
 * The one next thing to do, decided anew from what the cluster looks like now: so a leader that changes, a member that
 * restarts, or a step that ran twice needs no case of its own.
 *
 * Followers come first, one at a time. The leader comes last, after leadership was moved to a voter that needs no
 * defragmentation any more: a leader that defragments stalls every write of the cluster. Learners are never defragmented
 * (etcd refuses it) and never made leader.
 *
 * A database may look full although it is not: after a compaction without further writes, etcd 3.4 goes on telling the old
 * dbSizeInUse (measured on 3.4.23). So while an alarm stops all writes, that figure is believed once the member was
 * defragmented, and one follower is all that is defragmented in vain where the database really is full.
 *
 * @throws VerificationFailed when what is in use is over the goal: full, but not fragmented
 * @throws EtcdUnavailable while members are not settled; PreconditionFailed, UnsafeToProceed
 */
export function chooseNext(observation: Observation, request: Request<typeof chooseNextMemberInput>): NextAction {
  const { parameters, defragmented, turn } = request;
  const cluster = requireReady(observation, request);
  const { voters, leader } = cluster;
  const { alarms } = observation;
  const goalRatio = goalRatioOf(observation, parameters);
  const timesDefragmented = (member: AnsweringMember) => defragmented.filter((name) => name === member.name).length;
  const isBelieved = (member: AnsweringMember) => alarms.length === 0 || timesDefragmented(member) > 0;
  const full = voters.filter((member) => isBelieved(member) && isAbove(goalRatio, member, 'dbSizeInUseBytes'));
  if (full.length > 0) throw fullButNotFragmented(full, cluster, observation, parameters);
  const pending = voters.filter(
    (member) =>
      (isWorthDefragmenting(member, parameters) || isAbove(goalRatio, member, 'dbSizeBytes')) &&
      timesDefragmented(member) < MAX_DEFRAGMENTATIONS_PER_MEMBER,
  );
  const [next] = order(pending, leader);
  if (!next) return { action: 'Finish' };
  if (turn > voters.length * MAX_TURNS_PER_MEMBER) {
    throw new PreconditionFailed(
      `After ${turn} turns ${next.name} is still to be defragmented: leadership keeps moving, or the database grows as fast as it is ` +
        `reclaimed. ${describeSizes(cluster)}\nFind out what disturbs the cluster, then start again.`,
    );
  }
  const transferee = next === leader ? chooseTransferee(voters, leader) : undefined;
  if (transferee) return { action: 'MoveLeadership', member: leader.name, transferee: transferee.name };
  return { action: 'Defragment', member: next.name };
}

/** Followers first, in the order of the configuration; the leader last. */
function order(members: readonly AnsweringMember[], leader: AnsweringMember): AnsweringMember[] {
  return [...members.filter((member) => member !== leader), ...members.filter((member) => member === leader)];
}

/** The most caught-up voter besides the leader; undefined where the leader is the only voter. */
function chooseTransferee(voters: readonly AnsweringMember[], leader: AnsweringMember): AnsweringMember | undefined {
  return voters
    .filter((member) => member !== leader)
    .toSorted((a, b) => Number(BigInt(b.raftAppliedIndex) - BigInt(a.raftAppliedIndex)))[0];
}

/** Below which share of its quota every database has to come: so that the alarm can be disarmed, or so that none is near. */
function goalRatioOf({ alarms }: Observation, { disarmBelowRatio }: SpaceParameters): number {
  return alarms.length > 0 ? disarmBelowRatio : Math.min(disarmBelowRatio, PREVENT_ABOVE_RATIO);
}

function isAbove(ratio: number, member: AnsweringMember, size: 'dbSizeBytes' | 'dbSizeInUseBytes'): boolean {
  return member[size] > member.quotaBytes * ratio;
}

function isWorthDefragmenting(member: AnsweringMember, parameters: SpaceParameters): boolean {
  const reclaimableBytes = member.dbSizeBytes - member.dbSizeInUseBytes;
  return (
    reclaimableBytes > 0 &&
    reclaimableBytes >= parameters.minReclaimBytes &&
    reclaimableBytes >= member.dbSizeBytes * parameters.minReclaimRatio
  );
}

function fullButNotFragmented(
  full: AnsweringMember[],
  cluster: SettledCluster,
  observation: Observation,
  parameters: SpaceParameters,
): VerificationFailed {
  const { retainRevisions } = parameters;
  const except = retainRevisions > 0 ? ` except for its newest ${retainRevisions} revisions` : '';
  const names = full.map((member) => member.name).join(', ');
  return new VerificationFailed(
    `The database is full, not fragmented: history is compacted${except}, and what is left in use is over ` +
      `${formatShare(goalRatioOf(observation, parameters))} of the quota on ${names}. ${describeSizes(cluster)}\n` +
      'Raise the quota (--quota-backend-bytes on every member, and quotaBackendBytes in clusters.json)' +
      `${retainRevisions > 0 ? ', retain fewer revisions' : ''} or delete keys, then start again. ` +
      (observation.alarms.length > 0
        ? 'The alarm is kept: etcd goes on refusing writes.'
        : 'No alarm is raised yet: etcd still takes writes.'),
  );
}

/**
 * The alarms to disarm: each (member, NOSPACE) pair that etcd lists, whoever raised it, even a member since removed
 * (https://github.com/etcd-io/etcd/issues/14379).
 * @throws VerificationFailed while a member is over the goal. Learners count where there is an alarm: one that is over its
 *   quota raises the alarm again at the next write (measured on 3.4.23, 3.5.16 and 3.5.30)
 */
export function chooseAlarmsToDisarm(
  observation: Observation,
  request: Request<typeof disarmAlarmsInput>,
): RaisedAlarm[] {
  const { parameters } = request;
  const cluster = requireReady(observation, request);
  const { alarms } = observation;
  const goalRatio = goalRatioOf(observation, parameters);
  const isOver = (member: AnsweringMember) => isAbove(goalRatio, member, 'dbSizeBytes');
  const voters = cluster.voters.filter(isOver);
  const learners = alarms.length > 0 ? cluster.learners.filter(isOver) : [];
  if (voters.length + learners.length === 0) return alarms;
  const names = (members: AnsweringMember[]) => members.map((member) => member.name).join(', ');
  throw new VerificationFailed(
    `Still over ${formatShare(goalRatio)} of the quota: ${names([...voters, ...learners])}. ` +
      (alarms.length > 0 ? 'Disarmed now, the alarm would be raised again by the next write, so it is kept. ' : '') +
      `${describeSizes(cluster)}\n` +
      (voters.length > 0
        ? `Look on ${names(voters)} for a compaction that is still running or a writer that fills the space at once; then start again. `
        : '') +
      (learners.length > 0
        ? `etcd does not defragment a learner: remove ${names(learners)} and add it again once the voters are small, or promote it; ` +
          'then start again.'
        : ''),
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
export function describeSettled(
  observation: Observation,
  request: Pick<Request<typeof proveWritesInput>, 'cluster' | 'leftOut'>,
): ProvenWrites {
  const cluster = requireReady(observation, request);
  if (observation.alarms.length > 0) {
    throw new VerificationFailed(
      `NOSPACE is raised again right after it was disarmed. ${describeSizes(cluster)}\n${describeReturned(observation, request.leftOut)}Either ` +
        "a writer fills the space at once, or a member's real quota is smaller than quotaBackendBytes in clusters.json.",
    );
  }
  const { leftOut } = cluster;
  return {
    members: describeMembers(cluster),
    leftOut,
    remaining: leftOut.length > 0 ? ['member-failed'] : [],
    summary: describeRest(leftOut),
  };
}

/** A member that comes back with a full database raises NOSPACE as soon as it applies a write (measured on 3.4.23, 3.5.16 and 3.5.30). */
export function describeReturned({ members }: Observation, leftOut: readonly string[]): string {
  const returned = members.filter(({ answering, name }) => answering && leftOut.includes(name)).map(({ name }) => name);
  if (returned.length === 0) return '';
  return `${returned.join(', ')} was left out, and is back with the database that it had: start again, so that it has its turn. `;
}

function describeRest(leftOut: readonly LeftOutMember[]): string {
  if (leftOut.length === 0) return '';
  const names = leftOut.map(({ member }) => member).join(', ');
  return (
    `${names} was left out and still does not answer: replace it next (incident member-failed). Should it come back with the database that ` +
    'it has, NOSPACE is raised again: then run the runbook for space-exceeded once more.'
  );
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
