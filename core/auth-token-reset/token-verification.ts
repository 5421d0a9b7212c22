import { refuseUnsafeAlarms } from '../cluster/cluster-health.ts';
import type { Cluster } from '../cluster/clusters.ts';
import { EtcdUnavailable, VerificationFailed } from '../errors.ts';
import type { TokenObservation, VerifiedTokens } from './contracts.ts';
import { isOpen, surveyTokens } from './token-status.ts';

/**
 * That every member which answers takes fresh tokens. A member that is away is another incident.
 * @throws VerificationFailed where authentication is disabled; EtcdUnavailable while a member does not take tokens; UnsafeToProceed on CORRUPT
 */
export function verifyTokens(observation: TokenObservation, { members: configured }: Cluster): VerifiedTokens {
  refuseUnsafeAlarms(observation);
  if (isOpen(observation)) {
    throw new VerificationFailed(
      'Authentication is disabled, though this runbook leaves it enabled: it was disabled since. Enable it ("etcdctl auth enable"), and find out who disables it.',
    );
  }
  const { members } = surveyTokens(configured, observation);
  const failed = members.filter(({ status }) => status === 'Failed');
  const unwell = members.filter(({ status }) => status !== 'TakesTokens' && status !== 'Failed');
  if (unwell.length > 0) {
    const list = unwell.map(({ name, problem }) => `\n- ${name} ${problem}`).join('');
    throw new EtcdUnavailable(`Not every member takes fresh tokens:${list}`);
  }
  const healthy = members.filter(({ status }) => status === 'TakesTokens').map(({ name }) => name);
  const rest = failed.map(({ name, problem }) => ` ${name} ${problem}`).join('');
  return {
    members,
    healthy,
    remaining: failed.length > 0 ? ['member-failed'] : [],
    summary: `${healthy.join(', ')} take fresh tokens and refuse strangers.${rest && `${rest} Run the runbook for member-failed next.`}`,
  };
}

/** What is to be known of members that were asked to disable authentication and are silent. */
export function describePendingDisable(members: readonly string[]): string[] {
  if (members.length === 0) return [];
  return [
    `${members.join(', ')} was asked to disable authentication, and does not answer since. If it is only frozen, it may still disable it when it ` +
      'goes on. Stop its service now, and replace it as a failed member.',
  ];
}
