import type { z } from 'zod';
import { describeId, refuseUnsafeAlarms, type SettledCluster } from '../cluster/cluster-health.ts';
import { requireIdentities } from '../cluster/identity.ts';
import { quorumOf } from '../cluster/member-survey.ts';
import type { AnsweringMember, Observation, RaisedAlarm } from '../cluster/observation.ts';
import { refuseUnseenLeader } from '../cluster/unseen-leader.ts';
import { PreconditionFailed, VerificationFailed } from '../errors.ts';
import { inspectionsWhereKnown } from '../hosts/host-place.ts';
import { formatBytes, formatShare } from '../text/format.ts';
import type {
  assessSpaceInput,
  chooseNextDefragmentationInput,
  disarmAlarmsInput,
  LeftOutMember,
  MemberSpace,
  NextDefragmentation,
  ProvenWrites,
  proveWritesInput,
  SpaceAssessment,
  SpaceParameters,
} from './contracts.ts';
import { membersToLeaveOut, settleWithout, type WorkingCluster } from './left-out-members.ts';
import {
  areQuotasInDoubt,
  assessedQuotas,
  describeContradiction,
  isAboveShare,
  type QuotaOf,
  quotasIn,
} from './quotas.ts';
import { describeSpaceSteps } from './space-steps.ts';

/** Without an alarm, a database above this share of its quota is worth a compaction, whatever is free in it already. */
export const PREVENT_ABOVE_RATIO = 0.8;

/** The first release whose status tells what this runbook decides by. */
const OLDEST_RELEASE = [3, 4] as const;

/** A second defragmentation of a member helps where its compaction was still under way during the first; a third never did. */
const MAX_DEFRAGMENTATIONS_PER_MEMBER = 2;

/** Less than this gives room to no write that is worth a pause: one request, or one part in a hundred of the database. */
const LEAST_GAIN_BYTES = 1024 * 1024;
const LEAST_GAIN_RATIO = 0.01;

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
  { cluster: configuration, parameters }: Request<typeof assessSpaceInput>,
): SpaceAssessment {
  const { members } = configuration;
  refuseUnsafeAlarms(observation);
  requireIdentities(members, observation, { untouched: true });
  refuseUnseenLeader(members, observation);
  const cluster = settleWithout(membersToLeaveOut(observation, members), observation, members, 'stop');
  const { voters, leader, leftOut } = cluster;
  refuseOldReleases(cluster);
  const quotaOf = quotasIn(observation);
  const alarmed = observation.alarms.length > 0;
  const filling = voters.filter((member) => isAbove(PREVENT_ABOVE_RATIO, member, 'dbSizeBytes', quotaOf));
  const fragmented = voters.filter((member) => isWorthDefragmenting(member, parameters));
  const reclaim = alarmed || filling.length > 0 || fragmented.length > 0;
  const target = BigInt(leader.revision) - BigInt(parameters.retainRevisions);
  // Free pages can be given back without a compaction, and every compaction may break a watcher that lags.
  const compactRevision = (alarmed || filling.length > 0) && target > 0n ? target.toString() : '0';
  const plan = reclaim ? order(voters, leader).map((member) => member.name) : [];
  const raisedBy = observation.alarms.map(({ memberId }) => describeId(observation, memberId));
  return {
    verdict: reclaim ? 'Reclaim' : 'NothingToDo',
    summary: [
      summarize(observation, filling, fragmented),
      describeContradiction(observation),
      describeLeavingOut(cluster, observation),
      describeUnlisted(cluster),
    ]
      .filter(Boolean)
      .join(' '),
    alarms: observation.alarms,
    members: describeMembers(cluster, quotaOf),
    leftOut,
    compactRevision,
    plan,
    steps: reclaim
      ? describeSpaceSteps({ compactRevision, order: plan, leader: leader.name, raisedBy, ...parameters })
      : [],
    inspections: inspectionsWhereKnown(configuration, plan),
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

/** Empty where nobody is left out. Why each of them is, `leftOut` says. */
function describeLeavingOut({ voters, leftOut }: WorkingCluster, { memberList }: Observation): string {
  if (leftOut.length === 0) return '';
  const names = leftOut.map(({ member }) => member).join(', ');
  const count = memberList.filter(({ isLearner }) => !isLearner).length;
  const isEachNeeded = voters.length - 1 < quorumOf(memberList);
  const care = isEachNeeded
    ? ', which needs each of them: one whose disk has no room for what is in use of its database would end in its defragmentation.'
    : '.';
  return `Left out, without an answer: ${names}. ${voters.length} of ${count} voters answer, a quorum${care}`;
}

function describeUnlisted({ unlisted }: WorkingCluster): string {
  if (unlisted.length === 0) return '';
  return `etcd has no member ${unlisted.join(', ')}, so there is nothing to reclaim of it; the incident member-failed adds it.`;
}

/**
 * The one next thing to do, decided anew from what the cluster looks like now: so a leader that changes, a member that
 * restarts, or a step that ran twice needs no case of its own.
 *
 * Followers come first, one at a time. The leader comes last, after leadership was moved to a voter that needs no
 * defragmentation any more, unless it is to be kept: a member that defragments stalls the clients that are connected to it, and many are pinned to the leader.
 * Writes through the others go on meanwhile, about 0.3 s late at the most (databases of 300 MB, etcd 3.5.35 and 3.7.3). Learners are
 * never defragmented (etcd refuses it) and never made leader.
 *
 * A database may look full although it is not: after a compaction without further writes, etcd 3.4 goes on telling the old
 * dbSizeInUse, and 3.6 does now and then (measured on 3.4.23 and 3.6.16). So while an alarm stops all writes, that figure is believed once the member was
 * defragmented, and one follower is all that is defragmented in vain where the database really is full.
 *
 * Where the quota is only what an alarm lets conclude, a database that cannot become smaller proves nothing: a write has to tell. Then each
 * member whose quota is in doubt gives back what it has to give, once, and is left alone where that is nothing.
 *
 * @throws VerificationFailed when what is in use is over the goal: full, but not fragmented
 * @throws EtcdUnavailable while members are not settled; PreconditionFailed, UnsafeToProceed
 */
export function chooseNextDefragmentation(
  observation: Observation,
  request: Request<typeof chooseNextDefragmentationInput>,
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
    !member.quotaIsTold &&
    timesDefragmented(member) === 0 &&
    (hasSomethingToGive(member) || (!tellsUseAfterCompaction(member) && !isShownFull));
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
export function goalRatioOf({ alarms }: Pick<Observation, 'alarms'>, { disarmBelowRatio }: SpaceParameters): number {
  return alarms.length > 0 ? disarmBelowRatio : Math.min(disarmBelowRatio, PREVENT_ABOVE_RATIO);
}

function isAbove(
  ratio: number,
  member: AnsweringMember,
  size: 'dbSizeBytes' | 'dbSizeInUseBytes',
  quotaOf: QuotaOf,
): boolean {
  return isAboveShare(ratio, member[size], quotaOf(member).bytes);
}

function isWorthDefragmenting(member: AnsweringMember, parameters: SpaceParameters): boolean {
  const reclaimableBytes = member.dbSizeBytes - member.dbSizeInUseBytes;
  return (
    reclaimableBytes > 0 &&
    reclaimableBytes >= parameters.minReclaimBytes &&
    reclaimableBytes >= member.dbSizeBytes * parameters.minReclaimRatio
  );
}

/** Whether a defragmentation makes it smaller by an amount that counts. Right after one it has nothing to give. */
function hasSomethingToGive({ dbSizeBytes, dbSizeInUseBytes }: AnsweringMember): boolean {
  return dbSizeBytes - dbSizeInUseBytes >= Math.max(LEAST_GAIN_BYTES, dbSizeBytes * LEAST_GAIN_RATIO);
}

/** Whether dbSizeInUse is sure to be the true one after a compaction that no write follows: on 3.5 it is (measured on 3.5.16, 3.5.30 and 3.5.35). */
function tellsUseAfterCompaction({ version }: AnsweringMember): boolean {
  return version.startsWith('3.5.');
}

/** What cannot become smaller, and is too large by a quota that was only concluded, is left for a write to tell. */
function isUnproven(member: AnsweringMember, goalRatio: number, quotaOf: QuotaOf): boolean {
  return quotaOf(member).source === 'alarm' && isAbove(goalRatio, member, 'dbSizeInUseBytes', quotaOf);
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
  const quotaOf = assessedQuotas(request.quotas);
  const goalRatio = goalRatioOf(observation, parameters);
  const isOver = (member: AnsweringMember) =>
    isAbove(goalRatio, member, 'dbSizeBytes', quotaOf) && !isUnproven(member, goalRatio, quotaOf);
  const voters = cluster.voters.filter(isOver);
  const learners = alarms.length > 0 ? cluster.learners.filter(isOver) : [];
  if (voters.length + learners.length === 0) return alarms;
  const names = (members: AnsweringMember[]) => members.map((member) => member.name).join(', ');
  throw new VerificationFailed(
    `Still over ${formatShare(goalRatio)} of the quota: ${names([...voters, ...learners])}. ` +
      (alarms.length > 0 ? 'Disarmed now, the alarm would be raised again by the next write, so it is kept. ' : '') +
      `${describeSizes(cluster, quotaOf)}\n` +
      (voters.length > 0
        ? `Look on ${names(voters)} for a compaction that is still running or a writer that fills the space at once; then start again. `
        : '') +
      (learners.length > 0
        ? `etcd does not defragment a learner: promote ${names(learners)}; or stop its service, so that the next run leaves it out, and replace it ` +
          'afterwards (incident member-failed), which gives it a small database. Then start again.'
        : ''),
  );
}

function describeSizes(cluster: SettledCluster, quotaOf: QuotaOf): string {
  return describeMembers(cluster, quotaOf)
    .map(
      (member) =>
        `\n- ${member.name} (${member.role}): database ${formatBytes(member.dbSizeBytes)}, in use ` +
        `${formatBytes(member.dbSizeInUseBytes)}, ${describeQuota(member)}`,
    )
    .join('');
}

function describeQuota({ quotaBytes, quotaSource }: MemberSpace): string {
  if (quotaBytes === null) return 'no quota';
  const quota = `quota ${formatBytes(quotaBytes)}`;
  return quotaSource === 'alarm' ? `${quota}, as NOSPACE was raised with a database of that size` : quota;
}

/**
 * The members as they are at the end of a remediation.
 * @throws VerificationFailed when an alarm is raised again; EtcdUnavailable while members are not settled
 */
export function provenWrites(
  observation: Observation,
  request: Pick<Request<typeof proveWritesInput>, 'cluster' | 'leftOut' | 'quotas'>,
): ProvenWrites {
  const cluster = requireReady(observation, request);
  const quotaOf = assessedQuotas(request.quotas);
  if (observation.alarms.length > 0) {
    throw new VerificationFailed(
      `NOSPACE is raised again right after it was disarmed. ${describeSizes(cluster, quotaOf)}\n${returnedMembers(observation, request.leftOut)}Either ` +
        "a writer fills the space at once, or a member's real quota is smaller than quotaBackendBytes in clusters.json.",
    );
  }
  const { leftOut, unlisted } = cluster;
  return {
    members: describeMembers(cluster, quotaOf),
    leftOut,
    remaining: leftOut.length + unlisted.length > 0 ? ['member-failed'] : [],
    summary: [leftOutAdvice(leftOut), describeUnlisted(cluster)].filter(Boolean).join(' '),
  };
}

/** A member that comes back with a full database raises NOSPACE as soon as it applies a write (measured on 3.4.23, 3.5.16 and 3.5.30). */
export function returnedMembers({ members }: Observation, leftOut: readonly string[]): string {
  const returned = members.filter(({ answering, name }) => answering && leftOut.includes(name)).map(({ name }) => name);
  if (returned.length === 0) return '';
  const isOne = returned.length === 1;
  return `${returned.join(', ')} ${isOne ? 'was' : 'were'} left out, and ${isOne ? 'is back with the database that it had: start again, so that it has its turn' : 'are back with the databases that they had: start again, so that they have their turn'}. `;
}

function leftOutAdvice(leftOut: readonly LeftOutMember[]): string {
  if (leftOut.length === 0) return '';
  const names = leftOut.map(({ member }) => member).join(', ');
  const [were, it, replaced, databases] =
    leftOut.length === 1
      ? ['was left out and still does not answer', 'it', 'it', 'the database that it has']
      : ['were left out and still do not answer', 'they', 'them', 'the databases that they have'];
  return (
    `${names} ${were}: replace ${replaced} next (incident member-failed). Should ${it} come back with ${databases}, NOSPACE is raised again: ` +
    'then run the runbook for space-exceeded once more.'
  );
}

function describeMembers(cluster: SettledCluster, quotaOf: QuotaOf): MemberSpace[] {
  return [...cluster.voters, ...cluster.learners].map((member) => ({
    name: member.name,
    id: member.id,
    role: member === cluster.leader ? 'leader' : member.isLearner ? 'learner' : 'follower',
    version: member.version,
    dbSizeBytes: member.dbSizeBytes,
    dbSizeInUseBytes: member.dbSizeInUseBytes,
    quotaBytes: quotaOf(member).bytes,
    quotaSource: quotaOf(member).source,
  }));
}

/** etcd takes no larger request by default (--max-request-bytes), and a key and a header go with the value. */
const LARGEST_VALUE_BYTES = 1.5 * 1024 * 1024 - 16 * 1024;

/**
 * How large a value is to be asked for, where etcd has refused writes: as large as one may be, or half of the room that the quota leaves, so that
 * the question does not raise the alarm of a store that is small. A quota that was only concluded is no reason to ask for less.
 */
export function valueToAskFor(
  { members }: Observation,
  { quotas }: Pick<Request<typeof proveWritesInput>, 'quotas'>,
): number {
  const quotaOf = assessedQuotas(quotas);
  const rooms = members.flatMap((member) => {
    if (!member.answering) return [];
    const { bytes, source } = quotaOf(member);
    return bytes === null || source === 'alarm' ? [] : [(bytes - member.dbSizeBytes) / 2];
  });
  return Math.max(0, Math.floor(Math.min(LARGEST_VALUE_BYTES, ...rooms)));
}

/** A member has refused a write of the size that was refused before the remediation. @param refusal of etcd */
export function describeRefusedWrite(
  { members }: Observation,
  { quotas }: Pick<Request<typeof proveWritesInput>, 'quotas'>,
  { member, valueBytes, refusal, returned }: { member: string; valueBytes: number; refusal: string; returned: string },
): VerificationFailed {
  const answering = members.filter((each) => each.answering);
  const believed = answering.filter(({ quotaIsTold }) => !quotaIsTold);
  const [configured] = believed;
  const sizes = answering
    .map(
      ({ name, dbSizeBytes, dbSizeInUseBytes }) =>
        `\n- ${name}: database ${formatBytes(dbSizeBytes)}, in use ${formatBytes(dbSizeInUseBytes)}`,
    )
    .join('');
  const isConcluded = answering.some((each) => assessedQuotas(quotas)(each).source === 'alarm');
  return new VerificationFailed(
    `No alarm was left, and ${member} refuses a write of ${formatBytes(valueBytes)} all the same, so ` +
      `NOSPACE is raised again: ${refusal}${sizes}\n${returned}` +
      (configured?.quotaBytes
        ? `The real quota ${isConcluded ? 'is' : 'may be'} smaller than the ${formatBytes(configured.quotaBytes)} of quotaBackendBytes in clusters.json: ` +
          'compare it with --quota-backend-bytes of the members. '
        : '') +
      'Raise the quota (--quota-backend-bytes on every member, and quotaBackendBytes in clusters.json) or delete keys, then start again.',
  );
}
