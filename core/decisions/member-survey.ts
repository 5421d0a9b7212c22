import type { ConfiguredMember } from '../contracts/clusters.ts';
import type { MemberHealth } from '../contracts/membership.ts';
import type {
  AnsweringMember,
  ListedMember,
  MemberObservation,
  Observation,
  SilentMember,
} from '../contracts/observation.ts';
import { EtcdUnavailable, PreconditionFailed, UnsafeToProceed } from '../errors.ts';
import { isBehind } from './cluster-health.ts';

/** A configured member, what was seen of it, and its entry in etcd's list, if it has one. */
export interface SurveyedMember extends MemberHealth {
  configured: ConfiguredMember;
  seen: MemberObservation;
  listed: ListedMember | undefined;
  isCaughtUp: boolean;
}

/** How every configured member stands to the part of the cluster that works. */
export interface Survey {
  leader: AnsweringMember;
  members: SurveyedMember[];
  /** Members of etcd's list that no configured member is. */
  strangers: ListedMember[];
}

/**
 * @param members in the order of `observation.members`
 * @throws EtcdUnavailable without a leader that a quorum follows; PreconditionFailed where those that refuse us may make the quorum
 */
export function surveyMembers(members: readonly ConfiguredMember[], observation: Observation): Survey {
  const leader = findLeader(observation);
  const surveyed = members.map((configured, index) => {
    const seen = observation.members[index] as MemberObservation;
    return survey(configured, seen, findListed(configured, seen, observation.memberList), leader);
  });
  const strangers = observation.memberList.filter((listed) => !surveyed.some((member) => member.listed === listed));
  return { leader, members: surveyed, strangers };
}

/** Whether it is a learner that is to be none: its way into the cluster was cut off. */
export function isUnpromoted({ configured, role }: SurveyedMember): boolean {
  return role === 'learner' && !configured.learner;
}

/** More than half of the voters. */
export function quorumOf(memberList: readonly ListedMember[]): number {
  return Math.floor(memberList.filter((listed) => !listed.isLearner).length / 2) + 1;
}

/** Two members may both believe that they lead; the one that a quorum follows does. */
function findLeader({ members, memberList }: Observation): AnsweringMember {
  const answering = members.filter((member) => member.answering);
  const isVoter = (id: string) => memberList.some((listed) => listed.id === id && !listed.isLearner);
  const leader = answering.find(
    (member) =>
      member.id === member.leaderId &&
      new Set(answering.filter((other) => other.leaderId === member.id && isVoter(other.id)).map(({ id }) => id))
        .size >= quorumOf(memberList),
  );
  if (leader && memberList.length > 0) return leader;
  const list = members
    .map((member) =>
      member.answering
        ? `\n- ${member.name} follows ${member.leaderId === '0' ? 'nobody' : member.leaderId}`
        : `\n- ${member.name} (${member.endpoint}): ${member.problem}`,
    )
    .join('');
  const refusing = members.filter((member) => !member.answering && member.refused);
  const following = answering.filter(({ id, leaderId }) => leaderId !== '0' && isVoter(id));
  const quorum = quorumOf(memberList);
  const wouldBeQuorum =
    following.length > 0 && following.length < quorum && following.length + refusing.length >= quorum;
  const leaders = memberList.filter(({ id }) => following.some(({ leaderId }) => leaderId === id));
  const refusesAsLeader = refusing.some(({ name }) => leaders.some((listed) => listed.name === name));
  if (wouldBeQuorum || refusesAsLeader) {
    throw new PreconditionFailed(
      `Too few members let this runbook in for a quorum to be seen, and no election is what keeps the others away:${list}\nCorrect the certificate or the login for ` +
        `${refusing.map(({ name }) => name).join(', ')}, then start again.`,
    );
  }
  throw new EtcdUnavailable(
    `No leader that answers is followed by a quorum:${list}\nAn election may be under way. If it goes on, a quorum is lost: see the ` +
      'incident quorum-lost.',
  );
}

/** A member's entry in etcd's list. One that was added and never started has no name, so the peer URL goes first. */
export function findListed(
  configured: ConfiguredMember,
  seen: MemberObservation,
  memberList: readonly ListedMember[],
): ListedMember | undefined {
  return (
    memberList.find((listed) => seen.answering && listed.id === seen.id) ??
    memberList.find((listed) => hasPeerUrl(listed, configured)) ??
    memberList.find((listed) => listed.name === configured.name)
  );
}

export function hasPeerUrl({ peerUrls }: ListedMember, { peerUrl }: ConfiguredMember): boolean {
  const origin = new URL(peerUrl).origin;
  return peerUrls.some((url) => URL.canParse(url) && new URL(url).origin === origin);
}

/** What is wrong with a member that does not answer, as a sentence about it goes on. */
export function describeSilence({ problem }: SilentMember, listed: ListedMember | undefined): string {
  const standing =
    listed === undefined ? "is not in etcd's list, and " : listed.name === '' ? 'was added and never started; ' : '';
  return `${standing}does not answer: ${problem}`;
}

function survey(
  configured: ConfiguredMember,
  seen: MemberObservation,
  listed: ListedMember | undefined,
  leader: AnsweringMember,
): SurveyedMember {
  const role =
    seen.answering && seen.id === leader.id
      ? 'leader'
      : listed === undefined
        ? 'none'
        : listed.isLearner
          ? 'learner'
          : 'follower';
  return {
    configured,
    seen,
    listed,
    isCaughtUp: seen.answering && !isBehind(leader, seen),
    name: configured.name,
    id: listed?.id ?? '',
    role,
    version: seen.answering ? seen.version : '',
    raftAppliedIndex: seen.answering ? seen.raftAppliedIndex : '0',
    ...judge(configured, seen, listed, leader),
  };
}

function judge(
  { learner }: ConfiguredMember,
  seen: MemberObservation,
  listed: ListedMember | undefined,
  leader: AnsweringMember,
): Pick<MemberHealth, 'state' | 'problem'> {
  const failed = (problem: string) => ({ state: 'failed' as const, problem });
  const joining = (problem: string) => ({ state: 'joining' as const, problem });
  if (!seen.answering) return failed(describeSilence(seen, listed));
  if (seen.clusterId !== leader.clusterId) {
    return failed(`belongs to another cluster (${seen.clusterId} instead of ${leader.clusterId})`);
  }
  if (listed?.id !== seen.id) return failed(`answers as member ${seen.id}, which is not in the cluster any more`);
  if (seen.leaderId !== leader.id) {
    return failed(
      `follows ${seen.leaderId === '0' ? 'nobody' : seen.leaderId}, while the cluster follows ${leader.name}`,
    );
  }
  if (isBehind(leader, seen)) {
    return joining(`has applied ${seen.raftAppliedIndex} of ${leader.raftAppliedIndex} log entries`);
  }
  if (seen.isLearner && !learner) return joining('is a learner that has not been promoted');
  return { state: 'healthy', problem: '' };
}

/**
 * That the cluster works without the members in question, so that acting on them takes nothing from it.
 * @throws UnsafeToProceed; or EtcdUnavailable where members that catch up would make the quorum
 */
export function requireQuorumWithout(
  targets: readonly string[],
  { members }: Survey,
  memberList: readonly ListedMember[],
): void {
  const others = members.filter((member) => !targets.includes(member.name) && member.listed?.isLearner === false);
  const healthy = others.filter((member) => member.state === 'healthy').length;
  const quorum = quorumOf(memberList);
  if (healthy >= quorum) return;
  const list = members.map(({ name, state, problem }) => `\n- ${name}: ${problem || state}`).join('');
  const message = `Without ${targets.join(', ')} there are ${healthy} healthy voters, and a quorum is ${quorum}:${list}`;
  const catchingUp = members.filter(({ state, listed }) => state === 'joining' && listed?.isLearner === false).length;
  if (healthy + catchingUp >= quorum) throw new EtcdUnavailable(`${message}\nThose that are behind may catch up.`);
  throw new UnsafeToProceed(`${message}\nNothing may be taken away from this cluster: see the incident quorum-lost.`);
}
