import type { z } from 'zod';
import { refuseUnsafeAlarms } from '../cluster/cluster-health.ts';
import { surveyMembers } from '../cluster/member-survey.ts';
import type { Observation } from '../cluster/observation.ts';
import { EtcdUnavailable, VerificationFailed } from '../errors.ts';
import type { VerifiedRecovery, verifyRecoveryInput } from './contracts.ts';
import { memberStatusOf } from './quorum-assessment.ts';

type Verification = Pick<z.output<typeof verifyRecoveryInput>, 'cluster' | 'revision' | 'required'>;

/**
 * That the quorum is back, with what it has to hold, and what is left for other runbooks.
 * @throws EtcdUnavailable while there is no leader, or a required member is not healthy; VerificationFailed where data is missing;
 *   UnsafeToProceed on CORRUPT
 */
export function verifyRecovery(
  observation: Observation,
  { cluster, revision, required }: Verification,
): VerifiedRecovery {
  refuseUnsafeAlarms(observation);
  const { leader, members } = surveyMembers(cluster.members, observation);
  const unwell = members.filter(({ state }) => state !== 'healthy');
  const awaited = unwell.filter(({ name }) => required.includes(name));
  if (awaited.length > 0) {
    const list = awaited.map(({ name, problem }) => `\n- ${name} ${problem}`).join('');
    throw new EtcdUnavailable(
      `${leader.name} leads, and not every member is healthy yet:${list}\nIf it lasts, look at the service and the log of these.`,
    );
  }
  if (BigInt(leader.revision) < BigInt(revision)) {
    throw new VerificationFailed(
      `The cluster is at revision ${leader.revision}, and ${revision} should have been recovered: it runs on other data than was chosen. Stop its ` +
        'clients. The data from before is moved aside on each host.',
    );
  }
  const healthy = members.filter(({ state }) => state === 'healthy').map(({ name }) => name);
  const isFull = observation.alarms.length > 0;
  const remaining: VerifiedRecovery['remaining'] = [
    ...(isFull ? (['space-exceeded'] as const) : []),
    ...(unwell.some(({ state }) => state !== 'unjudged') ? (['member-failed'] as const) : []),
  ];
  const full = isFull ? ' NOSPACE is raised, so it takes no writes: run the runbook for space-exceeded next.' : '';
  const failed = unwell.map(({ name, problem }) => ` ${name} ${problem}`).join('');
  const next = remaining.includes('member-failed')
    ? 'Run the runbook for member-failed next.'
    : 'Correct what keeps us from there.';
  const replace = failed && `${failed} ${next}`;
  return {
    members: members.map(({ seen, problem }) => memberStatusOf(seen, problem)),
    healthy,
    remaining,
    summary: `${leader.name} leads; ${healthy.join(', ')} ${healthy.length === 1 ? 'is' : 'are'} healthy, at revision ${leader.revision}.${full}${replace}`,
  };
}
