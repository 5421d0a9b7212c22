import type { ConfiguredMember } from '../cluster/clusters.ts';
import { surveyMembers } from '../cluster/member-survey.ts';
import type { AnsweringMember, Observation } from '../cluster/observation.ts';
import { EtcdUnavailable } from '../errors.ts';

/**
 * The voters whose data can be compared: those that follow the leader and are caught up. One that has failed is compared with nobody, and
 * one that is only behind is waited for: what it does not have yet is no difference.
 * @throws EtcdUnavailable without a leader, and while a voter is behind; PreconditionFailed as surveyMembers
 */
export function comparableVoters(
  configured: readonly ConfiguredMember[],
  observation: Pick<Observation, 'members' | 'memberList' | 'alarms'>,
): AnsweringMember[] {
  const voters = surveyMembers(configured, observation).members.filter(({ listed }) => listed?.isLearner === false);
  const behind = voters.filter(({ state }) => state === 'joining');
  if (behind.length > 0) {
    throw new EtcdUnavailable(
      `${behind.map(({ name, problem }) => `${name} ${problem}`).join(', ')}: its data cannot be compared before it is caught up. If it does not catch up, look at its ` +
        'disk and its network.',
    );
  }
  const comparable = voters.flatMap(({ state, seen }) => (state === 'healthy' && seen.answering ? [seen] : []));
  requireSameEntries(comparable, observation);
  return comparable;
}

/**
 * While CORRUPT is raised etcd applies no write, so members that have applied the same entries have the same revision.
 * @throws EtcdUnavailable where they have not applied the same entries yet, and it shows in their revisions
 */
function requireSameEntries(voters: readonly AnsweringMember[], { alarms }: Pick<Observation, 'alarms'>): void {
  const isRaised = alarms.some(({ alarm }) => alarm === 'CORRUPT');
  const isSame = (field: 'revision' | 'raftAppliedIndex') => new Set(voters.map((voter) => voter[field])).size <= 1;
  if (!isRaised || isSame('revision') || isSame('raftAppliedIndex')) return;
  const list = voters.map(
    ({ name, revision, raftAppliedIndex }) =>
      `${name} has applied ${raftAppliedIndex} entries and is at revision ${revision}`,
  );
  throw new EtcdUnavailable(
    `Not every voter has applied the same entries yet, so they cannot be compared: ${list.join(', ')}.`,
  );
}
