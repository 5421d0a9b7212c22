import { EtcdUnavailable, PreconditionFailed, UnsafeToProceed } from '../errors.ts';
import { announcedElsewhere } from './announced-address.ts';
import { isBehind, silentAt } from './cluster-health.ts';
import type { ConfiguredMember } from './clusters.ts';
import { answeringMember, entriesOf, isItself } from './identity.ts';
import type { MemberHealth } from './member-health.ts';
import {
  type AnsweringMember,
  type ListedMember,
  type MemberObservation,
  type Observation,
  type Silence,
  type SilentMember,
  seenOf,
} from './observation.ts';

/** A configured member, its entry in etcd's list, if it has one, and what was seen of it: what answers under its ID, at whichever address. */
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
 * @throws EtcdUnavailable without a leader that a quorum follows; PreconditionFailed where those that refuse us may make the quorum
 */
export function surveyMembers(members: readonly ConfiguredMember[], observation: Observation): Survey {
  const leader = findLeader(observation);
  const entries = entriesOf(members, observation);
  const surveyed = members.map((configured) => {
    const listed = entries.get(configured);
    const seen = answeringMember(listed, observation) ?? (seenOf(configured, observation.members) as MemberObservation);
    return survey(configured, seen, listed, leader);
  });
  const strangers = observation.memberList.filter((listed) => !surveyed.some((member) => member.listed === listed));
  // By the name of its entry: it may have answered at the address of another.
  const name = surveyed.find(({ id }) => id === leader.id)?.name ?? leader.name;
  return { leader: { ...leader, name }, members: surveyed, strangers };
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
  const leader = answering.find(
    (member) =>
      member.id === member.leaderId && followersOf(member.id, answering, memberList).length >= quorumOf(memberList),
  );
  if (leader && memberList.length > 0) return leader;
  const list = members
    .map((member) =>
      member.answering
        ? `\n- ${member.name} follows ${member.leaderId === '0' ? 'no leader' : member.leaderId}`
        : `\n- ${silentAt(member)}`,
    )
    .join('');
  const refusing = members.filter((member) => !member.answering && member.silence === 'refused');
  const isVoter = (id: string) => memberList.some((listed) => listed.id === id && !listed.isLearner);
  const following = answering.filter(({ id, leaderId }) => leaderId !== '0' && isVoter(id));
  const quorum = quorumOf(memberList);
  const wouldBeQuorum =
    following.length > 0 && following.length < quorum && following.length + refusing.length >= quorum;
  const leaders = memberList.filter(({ id }) => following.some(({ leaderId }) => leaderId === id));
  const refusesAsLeader = refusing.some(({ name }) => leaders.some((listed) => listed.name === name));
  if (wouldBeQuorum || refusesAsLeader) {
    const what = refusesAsLeader
      ? `${followedBy(leaders, following)} in, so it cannot be asked what only a leader knows`
      : 'Too few members let us in for a quorum to be seen, and this is no election: the others run, and refuse us';
    throw new PreconditionFailed(
      `${what}:${list}\nCorrect the certificate or the login for ${refusing.map(({ name }) => name).join(', ')}.`,
    );
  }
  throw new EtcdUnavailable(
    `No leader that answers is followed by a quorum:${list}\n${describeElection(answering, memberList)}`,
  );
}

/** Members that let us in, and their leader, which does not. */
function followedBy(leaders: readonly ListedMember[], following: readonly AnsweringMember[]): string {
  const names = [...new Set(following.map(({ name }) => name))];
  const leads = leaders.map(({ name }) => name).join(', ');
  return `${names.join(', ')} ${names.length === 1 ? 'follows' : 'follow'} ${leads}, which does not let us`;
}

/** Voters that answer and follow the member of this ID, each once. */
function followersOf(
  leaderId: string,
  answering: readonly AnsweringMember[],
  memberList: readonly ListedMember[],
): string[] {
  const isVoter = (id: string) => memberList.some((listed) => listed.id === id && !listed.isLearner);
  return [...new Set(answering.filter((seen) => seen.leaderId === leaderId && isVoter(seen.id)).map(({ id }) => id))];
}

function describeElection(answering: readonly AnsweringMember[], memberList: readonly ListedMember[]): string {
  const followed = memberList.find(
    ({ id }) =>
      !answering.some((seen) => seen.id === id) &&
      followersOf(id, answering, memberList).length >= quorumOf(memberList),
  );
  return followed
    ? `A quorum follows ${followed.name}, which does not answer from here. It works, because followers forget a dead leader within seconds. ` +
        'Correct its clientUrl, or the network between here and there. If it has only just stopped, another one leads soon.'
    : 'An election may be under way. If it goes on, a quorum is lost: see the incident quorum-lost.';
}

/**
 * Before the first change: where something keeps us from a member, that may be what is missed, and waiting does not bring it.
 * @throws PreconditionFailed in place of EtcdUnavailable
 */
export function withoutWaiting<Result>({ members }: Pick<Observation, 'members'>, decide: () => Result): Result {
  try {
    return decide();
  } catch (error) {
    const kept = members.filter((seen) => !seen.answering && KEPT_FROM_US.includes(seen.silence));
    if (!(error instanceof EtcdUnavailable) || kept.length === 0) throw error;
    throw new PreconditionFailed(
      `${error.message}\nThis may be because ${kept.map(({ name }) => name).join(', ')} cannot be reached. Correct what keeps us from there, then start again. Nothing ` +
        'was changed.',
    );
  }
}

/** Silences that waiting does not end: something has to be corrected. A member that is silent in such a way may be running. */
export const KEPT_FROM_US: readonly Silence[] = ['refused', 'unreached', 'stranger'];

/** Whether a silence says nothing of the member itself, so it must not be treated as failed. */
export function isUnjudged(silence: Silence): boolean {
  return silence !== 'away' && silence !== 'leaderless';
}

/** What is wrong with a member that does not answer, as a sentence about it goes on. */
export function describeSilence(seen: SilentMember, listed: ListedMember | undefined): string {
  const standing =
    listed === undefined ? "is not in etcd's list, and " : listed.name === '' ? 'was added and never started; ' : '';
  return `${standing}${SILENCES[seen.silence]}: ${seen.problem}${announcedElsewhere(seen, listed)}`;
}

export const SILENCES: Readonly<Record<Silence, string>> = {
  away: 'does not answer',
  leaderless: 'has no leader',
  busy: 'runs, and cannot serve us now',
  refused: 'runs and refuses us',
  unreached: 'cannot be judged from here',
  stranger: 'cannot be judged from here',
};

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
    ...judgeHealth(configured, seen, listed, leader),
  };
}

function judgeHealth(
  configured: ConfiguredMember,
  seen: MemberObservation,
  listed: ListedMember | undefined,
  leader: AnsweringMember,
): Pick<MemberHealth, 'state' | 'problem'> {
  const failed = (problem: string) => ({ state: 'failed' as const, problem });
  const joining = (problem: string) => ({ state: 'joining' as const, problem });
  if (!seen.answering) {
    const problem = describeSilence(seen, listed);
    return isUnjudged(seen.silence) ? { state: 'unjudged', problem } : failed(problem);
  }
  if (listed?.id !== seen.id && !isItself(seen, configured)) {
    const problem = `cannot be judged: another member (${seen.id}) answers at its clientUrl ${configured.clientUrl}`;
    return { state: 'unjudged', problem };
  }
  if (seen.clusterId !== leader.clusterId) {
    return failed(`belongs to another cluster (${seen.clusterId} instead of ${leader.clusterId})`);
  }
  if (listed?.id !== seen.id) return failed(`answers as member ${seen.id}, which is not in the cluster any more`);
  if (seen.leaderId !== leader.id) {
    return failed(
      `follows ${seen.leaderId === '0' ? 'no leader' : seen.leaderId}, while the cluster follows ${leader.name}`,
    );
  }
  if (seen.condemned !== undefined) return failed(seen.condemned);
  if (isBehind(leader, seen)) {
    return joining(`has applied ${seen.raftAppliedIndex} of ${leader.raftAppliedIndex} log entries`);
  }
  if (seen.isLearner && !configured.learner) return joining('is a learner that has not been promoted');
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
  const voters = healthy === 1 ? 'is 1 healthy voter' : `are ${healthy} healthy voters`;
  const message = `Without ${targets.join(', ')} there ${voters}, and a quorum is ${quorum}:${list}`;
  const catchingUp = members.filter(({ state, listed }) => state === 'joining' && listed?.isLearner === false).length;
  if (healthy + catchingUp >= quorum) throw new EtcdUnavailable(`${message}\nThose that are behind may catch up.`);
  throw new UnsafeToProceed(
    `${message}\nSo no member may be stopped or removed: the cluster would lose its quorum. Bring the others back first; where none comes back, see the incident quorum-lost.`,
  );
}
