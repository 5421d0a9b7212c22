import { nameOf } from '../cluster/cluster-view.ts';
import type { Cluster } from '../cluster/clusters.ts';
import { quorumIn, votersOf } from '../cluster/configured-quorum.ts';
import type { Evidence } from '../cluster/evidence.ts';
import type { MemberObservation } from '../cluster/observation.ts';

/**
 * In which way the quorum is missing. A partition, an endless election and members that are gone need different
 * responses, although in each of them no quorum follows a leader.
 */
export function describeLostQuorum(cluster: Cluster, evidence: Evidence): string {
  const learners = evidence.members.filter((member) => member.answering && member.isLearner).map(({ name }) => name);
  const voting = { ...cluster, members: votersOf(cluster).filter(({ name }) => !learners.includes(name)) };
  const voters = voting.members.map(({ name }) => name);
  const seen = evidence.members.filter(({ name }) => voters.includes(name));
  const answering = seen.filter((member) => member.answering);
  const running = seen.filter((member) => member.answering || member.silence === 'leaderless');
  const leaderIds = new Set(answering.map(({ leaderId }) => leaderId).filter((id) => id !== '0'));
  const quorum = `a quorum (${quorumIn(voting)} of ${voters.length} voters)`;
  const views = running.map((member) => describeFollowing(member, evidence)).join(', ');
  if (running.length === 0) {
    return `No member answers from here, so no leader of ${quorum} is seen. Either all are down, or the network from here to them is cut: look at their hosts first.`;
  }
  if (leaderIds.size > 1) {
    return `The members do not agree on a leader, and none is followed by ${quorum}: ${views}. Either an election is under way, or they do not all reach each other: look at the network between them first.`;
  }
  if (running.length >= quorumIn(voting)) {
    return `${running.length} of ${voters.length} voters answer, and no leader is followed by ${quorum}: ${views}. An election does not end: look at the network between them, at the certificates that they show each other (a check reads them on the hosts), and at their disks.`;
  }
  const others =
    leaderIds.size === 0
      ? 'The others are down, or they work together on the other side of a partition'
      : 'The others have gone down a moment ago, or they are cut off from here';
  return `Only ${running.length} of ${voters.length} voters can be seen from here, which is a minority: ${views}. ${others}: look at their hosts before anything is recovered, because ${quorum} may work where we do not see it.`;
}

function describeFollowing(member: MemberObservation, evidence: Evidence): string {
  if (!member.answering) return `${member.name} has no leader`;
  const { name, id, leaderId } = member;
  if (leaderId === '0') return `${name} follows no leader`;
  if (leaderId === id) return `${name} believes that it leads`;
  return `${name} follows ${nameOf(evidence, leaderId)}`;
}
