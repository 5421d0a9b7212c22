import type { ConfiguredMember } from '../cluster/clusters.ts';
import { requireIdentities } from '../cluster/identity.ts';
import { surveyMembers } from '../cluster/member-survey.ts';
import type { AnsweringMember, Observation } from '../cluster/observation.ts';
import { EtcdUnavailable } from '../errors.ts';

/**
 * The voters whose data can be compared: those that follow the leader and are caught up. One that has failed is compared with nobody, and
 * one that is only behind is waited for: what it does not have yet is no difference.
 * @throws EtcdUnavailable without a leader, and while a voter is behind; PreconditionFailed as surveyMembers, or where somebody else answers in the place of a
 * member
 */
export function comparableVoters(
  configured: readonly ConfiguredMember[],
  observation: Pick<Observation, 'members' | 'memberList' | 'alarms'>,
): AnsweringMember[] {
  // In whose place another cluster answers, of that member nothing is known.
  requireIdentities(configured, observation, { begun: true });
  const voters = surveyMembers(configured, observation).members.filter(({ listed }) => listed?.isLearner === false);
  const behind = voters.filter(({ state }) => state === 'joining');
  if (behind.length > 0) {
    throw new EtcdUnavailable(
      `${behind.map(({ name, problem }) => `${name} ${problem}`).join(', ')}: its data cannot be compared before it is caught up. If it does not catch up, look at its ` +
        'disk and its network.',
    );
  }
  return voters.flatMap(({ state, seen }) => (state === 'healthy' && seen.answering ? [seen] : []));
}
