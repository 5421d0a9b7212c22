import type { Cluster, ConfiguredMember } from '../contracts/clusters.ts';
import type { Evidence, MemberFacts } from '../contracts/diagnosis.ts';
import type { AnsweringMember, ListedMember, MemberObservation, Observation } from '../contracts/observation.ts';
import { EtcdUnavailable, PreconditionFailed } from '../errors.ts';
import { isUnpromoted, type Survey, type SurveyedMember, surveyMembers } from './member-survey.ts';
import { isAnyLeaderFollowed } from './quorum-assessment.ts';

/** A configured member, as a diagnosis judges it. */
export interface ViewedMember extends Pick<MemberFacts, 'name' | 'state' | 'problem'> {
  configured: ConfiguredMember;
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
 * A quorum is there when it agrees on something or follows one leader. How many members answer does not say: those that do not may be cut
 * off from us alone, and those that do from each other.
 */
export function viewCluster(cluster: Cluster, evidence: Evidence): ClusterView {
  const observation = { ...evidence, memberList: assumedList(cluster, evidence) };
  const survey = surveyIfLed(cluster, observation);
  const hasQuorum = survey !== undefined || isAgreed(evidence) || isAnyLeaderFollowed(cluster, evidence);
  const leaderId = hasQuorum ? leaderMostFollow(evidence) : undefined;
  const members = cluster.members.map((configured, index) => {
    const seen = evidence.members[index] as MemberObservation;
    const { name } = configured;
    return { name, configured, seen, ...judge(seen, survey?.members[index], hasQuorum, leaderId) };
  });
  return { observation, hasQuorum, survey, members };
}

/** Whether a quorum was asked and has answered. */
export function isAgreed({ agreementProblem, memberList }: Evidence): boolean {
  return agreementProblem === '' && memberList.length > 0;
}

/** Members by the names that a responder knows. */
export function nameOf({ members, memberList }: Observation, id: string): string {
  const seen = members.find((member) => member.answering && member.id === id);
  return (seen ?? memberList.find((listed) => listed.id === id))?.name || id;
}

/** How the one that is listed is described where no configured member is it. */
export function describeListed({ name, id, peerUrls }: ListedMember): string {
  return `${name || '(not started)'} (${id}, ${peerUrls.join(' ')})`;
}

/** What etcd's list would be if the configuration is right, where a quorum that works is too slow to tell it. */
function assumedList({ members }: Cluster, evidence: Evidence): ListedMember[] {
  if (evidence.memberList.length > 0) return evidence.memberList;
  return members.map(({ name, peerUrl, learner = false }, index) => {
    const seen = evidence.members[index] as MemberObservation;
    const { id, isLearner } = seen.answering ? seen : { id: '', isLearner: learner };
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

function judge(
  seen: MemberObservation,
  surveyed: SurveyedMember | undefined,
  hasQuorum: boolean,
  leaderId: string | undefined,
): Pick<MemberFacts, 'state' | 'problem'> {
  if (!seen.answering && seen.refused) return { state: 'refusing', problem: `runs and refuses us: ${seen.problem}` };
  if (surveyed) return { state: standingOf(surveyed), problem: surveyed.problem };
  if (!seen.answering) {
    return { state: 'failed', problem: `${seen.leaderless ? 'has no leader' : 'does not answer'}: ${seen.problem}` };
  }
  if (hasQuorum && seen.leaderId === leaderId) return { state: 'healthy', problem: '' };
  const problem = seen.leaderId === '0' ? 'follows nobody' : `follows ${seen.leaderId}`;
  return { state: hasQuorum && leaderId !== undefined ? 'failed' : 'unknown', problem };
}

/** A member that is slow has not failed: it catches up, or somebody has to look at its disk, and another in its place would do no better. */
function standingOf(member: SurveyedMember): MemberFacts['state'] {
  return member.state === 'joining' && !isUnpromoted(member) ? 'behind' : member.state;
}
