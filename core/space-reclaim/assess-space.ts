import { describeId, refuseUnsafeAlarms, type SettledCluster } from '../cluster/cluster-health.ts';
import { requireIdentities } from '../cluster/identity.ts';
import { quorumOf } from '../cluster/member-survey.ts';
import type { AnsweringMember, Observation } from '../cluster/observation.ts';
import { refuseUnseenLeader } from '../cluster/unseen-leader.ts';
import { PreconditionFailed } from '../errors.ts';
import { inspectionsWhereKnown } from '../hosts/host-place.ts';
import { formatShare } from '../text/format.ts';
import type { assessSpaceInput, SpaceAssessment } from './contracts.ts';
import { isAbove, isWorthDefragmenting, order, PREVENT_ABOVE_RATIO } from './goals.ts';
import { membersToLeaveOut, settleWithout, type WorkingCluster } from './left-out-members.ts';
import { describeContradiction, quotasIn } from './quotas.ts';
import { describeUnlisted, type Request } from './settled.ts';
import { describeMembers } from './sizes.ts';
import { describeSpaceSteps } from './space-steps.ts';

/** The first release whose status says what this runbook decides by. */
const OLDEST_RELEASE = [3, 4] as const;

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

function refuseOldReleases({ voters, learners }: SettledCluster): void {
  const old = [...voters, ...learners].filter(({ version }) => {
    const [major = 0, minor = 0] = version.split('.').map(Number);
    return major < OLDEST_RELEASE[0] || (major === OLDEST_RELEASE[0] && minor < OLDEST_RELEASE[1]);
  });
  if (old.length === 0) return;
  throw new PreconditionFailed(
    `${old.map((member) => `${member.name} runs etcd ${member.version}`).join(', ')}: before ${OLDEST_RELEASE.join('.')} a member does not report ` +
      'how far it has applied the log and how much of its database is in use. Upgrade etcd, or follow docs/runbooks.md by hand.',
  );
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

/** Empty if none is left out. `leftOut` says why each of them is. */
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
