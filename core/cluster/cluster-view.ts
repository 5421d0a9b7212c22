import { EtcdUnavailable, PreconditionFailed } from '../errors.ts';
import { announcedElsewhere } from './announced-address.ts';
import type { Cluster, ConfiguredMember } from './clusters.ts';
import { isAnyLeaderFollowed } from './configured-quorum.ts';
import type { Evidence } from './evidence.ts';
import { answeringMember, describeListed, entriesOf, isItself, mistakenAnswers, whoAnswers } from './identity.ts';
import {
  describeSilence,
  isUnpromoted,
  quorumOf,
  type Survey,
  type SurveyedMember,
  surveyMembers,
} from './member-survey.ts';
import {
  type AnsweringMember,
  type ListedMember,
  type MemberObservation,
  type Observation,
  type Silence,
  type SilentMember,
  seenOf,
} from './observation.ts';

export interface MemberFacts {
  name: string;
  /**
   * `behind`: in its place, and not caught up; `joining`: a learner that was not promoted; `refusing`: it runs and does not serve us;
   * `unreached`: what was seen says nothing of the member itself, or others show it at work; `unknown`: no quorum to judge it by.
   */
  state: 'healthy' | 'behind' | 'joining' | 'failed' | 'refusing' | 'unreached' | 'unknown';
  /** Why it is not healthy; empty where it is. */
  problem: string;
  /** Log entries between it and the leader, or the furthest member where no leader answers; empty where it does not answer. */
  lagEntries: string;
  /** All of it in a line: `follows node1, etcd 3.5.30, ...`. */
  facts: string;
}

/** A configured member, as a diagnosis judges it. */
export interface ViewedMember extends Pick<MemberFacts, 'name' | 'state' | 'problem'> {
  configured: ConfiguredMember;
  /** Of the member itself, at whichever address it answers. What another one tells at its address is none of it. */
  seen: MemberObservation;
}

/** What the evidence says of the cluster as a whole. */
export interface ClusterView {
  /** What a survey judges by: etcd's list, or what is assumed of it where it could not be read. */
  observation: Observation;
  hasQuorum: boolean;
  /** Undefined where no leader that answers is followed by a quorum that answers. */
  survey: Survey | undefined;
  members: ViewedMember[];
}

/**
 * A quorum is there when it agrees on something, commits something, or follows one leader. How many members answer does not say: those that do not may be cut
 * off from us alone, and those that do from each other.
 */
export function viewCluster(cluster: Cluster, evidence: Evidence): ClusterView {
  const observation = { ...evidence, memberList: assumedList(cluster, evidence) };
  const survey = surveyIfLed(cluster, observation);
  const hasQuorum = survey !== undefined || isProven(evidence) || isAnyLeaderFollowed(cluster, evidence);
  const leaderId = hasQuorum ? leaderMostFollow(evidence) : undefined;
  const entries = entriesOf(cluster.members, observation);
  const signOfLife = lookForLife({ ...evidence, memberList: observation.memberList }, [...entries.values()], leaderId);
  const areMixedUp = mistakenAnswers(cluster.members, evidence).length > 0;
  const members = cluster.members.map((configured) => {
    const surveyed = survey?.members.find((each) => each.configured === configured);
    const { name } = configured;
    const entry = entries.get(configured);
    const seen = itselfOf(configured, entry, observation);
    if (!seen.answering && seen.silence === 'away' && areMixedUp) {
      const problem = `cannot be judged while members answer at the addresses of others. This address may be another member's too: ${seen.problem}`;
      return { name, configured, seen, state: 'unreached' as const, problem };
    }
    const life = hasQuorum && !seen.answering ? signOfLife(seen, entry) : '';
    if (!seen.answering && seen.silence === 'stranger') {
      const problem = `${life || 'cannot be judged from here'}: what answers at its clientUrl ${configured.clientUrl} is not known to be of this cluster`;
      return { name, configured, seen, state: 'unreached' as const, problem };
    }
    if (!seen.answering && life !== '') {
      return {
        name,
        configured,
        seen,
        state: 'unreached' as const,
        problem: `${life}: ${seen.problem}${announcedElsewhere(seen, entry)}`,
      };
    }
    return { name, configured, seen, ...judgeState(seen, surveyed, entry, hasQuorum, leaderId) };
  });
  return { observation, hasQuorum, survey, members };
}

function itselfOf(
  configured: ConfiguredMember,
  entry: ListedMember | undefined,
  observation: Observation,
): MemberObservation {
  const { name, clientUrl } = configured;
  const there = seenOf(configured, observation.members) as MemberObservation;
  const own = answeringMember(entry, observation);
  if (own) return { ...own, name };
  const other = there.answering ? whoAnswers(there, configured, observation.memberList) : undefined;
  if (!other) return there;
  const { endpoint } = there;
  const problem = `another member (${other.id}) answers at its clientUrl ${clientUrl}`;
  return { name, endpoint, answering: false, silence: 'unreached', problem };
}

/** Those that answer, each with the name of its own entry. */
export function answeringIn({ members }: ClusterView): AnsweringMember[] {
  return members.flatMap(({ seen }) => (seen.answering ? [seen] : []));
}

/** Whether a quorum has shown that it is there, though it may be that hardly any member of it answers us. */
function isProven(evidence: Evidence): boolean {
  return isAgreed(evidence) || evidence.committing.length > 0;
}

/** Whether a quorum was asked and has answered. */
export function isAgreed({ agreementProblem, memberList }: Evidence): boolean {
  return agreementProblem === '' && memberList.length > 0;
}

/**
 * What others show of one that does not answer us: that it leads, or that a quorum may need it. Followers forget a leader within seconds.
 * @param entries of the configured members
 * @returns says nothing, in an empty text, where it may have failed
 */
function lookForLife(
  evidence: Evidence,
  entries: readonly ListedMember[],
  leaderId: string | undefined,
): (seen: SilentMember, entry: ListedMember | undefined) => string {
  const followers = evidence.members.flatMap((each) =>
    each.answering && each.leaderId === leaderId ? [each.name] : [],
  );
  const isLeaderSeen = evidence.members.some((each) => each.answering && each.id === leaderId);
  const isAnyNeeded = missingToQuorum(evidence) > 0;
  const strangers = evidence.memberList.filter((listed) => listed.name !== '' && !entries.includes(listed));
  return ({ silence }, entry) => {
    const follow = `${followers.join(', ')} ${followers.length === 1 ? 'follows' : 'follow'}`;
    if (leaderId !== undefined && entry?.id === leaderId)
      return `leads, for ${follow} it, and cannot be reached from here`;
    if (silence !== 'away') return '';
    if (!entry && strangers.length > 0) {
      const list = strangers.map(describeListed).join(', ');
      return `is not in etcd's list, cannot be judged from here, and may be who etcd has and clusters.json does not name: ${list}`;
    }
    if (entry?.isLearner !== false) return '';
    if (leaderId !== undefined && !isLeaderSeen && entry.id === '') {
      return `cannot be judged from here, for it may be the leader that ${follow}`;
    }
    return isAnyNeeded
      ? 'cannot be judged from here: a quorum works, and so few of it answer that not all others can be down'
      : '';
  };
}

/** How many of the voters that are away have to be at work all the same, where a quorum has shown that it is there. */
function missingToQuorum(evidence: Evidence): number {
  if (!isProven(evidence)) return 0;
  const isVoter = (id: string) => evidence.memberList.some((listed) => listed.id === id && !listed.isLearner);
  const answering = new Set(evidence.members.flatMap((seen) => (seen.answering && isVoter(seen.id) ? [seen.id] : [])));
  const running = evidence.members.filter((seen) => !seen.answering && ['refused', 'busy'].includes(seen.silence));
  return quorumOf(evidence.memberList) - answering.size - running.length;
}

/** Members by the names that a responder knows. */
export function nameOf({ members, memberList }: Observation, id: string): string {
  const seen = members.find((member) => member.answering && member.id === id);
  return memberList.find((listed) => listed.id === id)?.name || seen?.name || id;
}

/** What etcd's list would be if the configuration is right, where a quorum that works is too slow to tell it. */
function assumedList({ members }: Cluster, evidence: Evidence): ListedMember[] {
  if (evidence.memberList.length > 0) return evidence.memberList;
  return members.map((member) => {
    const { name, peerUrl, learner = false } = member;
    const there = seenOf(member, evidence.members) as MemberObservation;
    const isAnothers = there.answering && members.some((other) => other !== member && isItself(there, other));
    const itself = evidence.members.find((seen) => seen.answering && isItself(seen, member));
    const seen = itself ?? (isAnothers ? undefined : there);
    const { id, isLearner } = seen?.answering ? seen : { id: '', isLearner: learner };
    return { id, name, peerUrls: [peerUrl], isLearner };
  });
}

function surveyIfLed({ members }: Cluster, observation: Observation): Survey | undefined {
  try {
    return surveyMembers(members, observation);
  } catch (error) {
    if (!(error instanceof EtcdUnavailable || error instanceof PreconditionFailed)) throw error;
    return undefined;
  }
}

/** Undefined where members name different ones and none more often than the others: an election came between two answers. */
function leaderMostFollow({ members }: Evidence): string | undefined {
  const followed = Map.groupBy(
    members.filter((seen) => seen.answering && seen.leaderId !== '0') as AnsweringMember[],
    ({ leaderId }) => leaderId,
  );
  const [first, second] = [...followed].toSorted(([, a], [, b]) => b.length - a.length);
  return first && first[1].length !== second?.[1].length ? first[0] : undefined;
}

function judgeState(
  seen: MemberObservation,
  surveyed: SurveyedMember | undefined,
  listed: ListedMember | undefined,
  hasQuorum: boolean,
  leaderId: string | undefined,
): Pick<MemberFacts, 'state' | 'problem'> {
  if (surveyed) return { state: stateOf(surveyed), problem: surveyed.problem };
  if (!seen.answering) {
    return { state: STATES[seen.silence], problem: describeSilence(seen, listed) };
  }
  if (hasQuorum && seen.leaderId === leaderId) return { state: 'healthy', problem: '' };
  const problem = seen.leaderId === '0' ? 'follows no leader' : `follows ${seen.leaderId}`;
  return { state: hasQuorum && leaderId !== undefined ? 'failed' : 'unknown', problem };
}

const STATES: Readonly<Record<Silence, MemberFacts['state']>> = {
  away: 'failed',
  leaderless: 'failed',
  busy: 'refusing',
  refused: 'refusing',
  unreached: 'unreached',
  stranger: 'unreached',
};

/** A member that is slow has not failed: it catches up, or someone has to look at its disk, and another in its place would do no better. */
function stateOf(member: SurveyedMember): MemberFacts['state'] {
  const { state, seen } = member;
  if (state === 'unjudged') return seen.answering ? 'unreached' : STATES[seen.silence];
  return state === 'joining' && !isUnpromoted(member) ? 'behind' : state;
}
