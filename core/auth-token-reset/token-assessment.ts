import type { z } from 'zod';
import { refuseUnsafeAlarms } from '../cluster/cluster-health.ts';
import type { Cluster } from '../cluster/clusters.ts';
import { MAX_READINGS, READINGS } from '../cluster/confirmation.ts';
import { requireIdentities } from '../cluster/identity.ts';
import { withoutWaiting } from '../cluster/member-survey.ts';
import { refuseUnseenLeader } from '../cluster/unseen-leader.ts';
import { InvalidInput, PreconditionFailed } from '../errors.ts';
import { inspectionOf } from '../hosts/host-place.ts';
import type {
  assessTokensInput,
  MemberTokens,
  TokenAssessment,
  TokenObservation,
  TokenReadings,
  TokenStatus,
} from './contracts.ts';
import { isOpen, membersThat, surveyTokens } from './token-status.ts';

/** For a person: nothing here would cure it. */
const FOR_A_PERSON: readonly TokenStatus[] = ['KeysDiffer', 'ClockDiffers', 'AuthStoreDiffers', 'Refuses'];

/** Why a client may be refused all the same. */
const INNOCENT =
  'A client that is refused holds an old token, and has to log in again. A simple token ends after 300 s without use, with a restart of its member, and ' +
  'when authentication is enabled. A JWT ends after its time, and with every change of users and roles.';

/** Comes before anything is asked of etcd. @throws InvalidInput where the configuration names no login */
export function requireAuth({ name, auth }: Cluster): void {
  if (auth) return;
  throw new InvalidInput(
    `The cluster ${name} has no "auth" in clusters.json, so no user is known to log in with. Name the secret of a user with the root role.`,
  );
}

/**
 * Which members reject every token, seen often enough? Everything here comes before the first change.
 * @throws PreconditionFailed, UnsafeToProceed, EtcdUnavailable
 */
export function assessTokens(
  observation: TokenObservation,
  { cluster, readings }: z.output<typeof assessTokensInput>,
): TokenAssessment {
  const nothing = { readings, members: [], rejecting: [], inspections: [] };
  requireIdentities(cluster.members, observation, { begun: true, untouched: true });
  if (isOpen(observation)) {
    return { ...nothing, verdict: 'Enable', summary: describeOpen(observation) };
  }
  refuseUnsafeAlarms(observation);
  requireIdentities(cluster.members, observation, { untouched: true });
  refuseUnseenLeader(cluster.members, observation);
  const { members } = withoutWaiting(observation, () => surveyTokens(cluster.members, observation));
  const rejecting = membersThat('RejectsTokens', members);
  const next = countReadings(readings, members);
  const odd = members.filter(({ status }) => status !== 'TakesTokens');
  const result = { ...nothing, readings: next, members, summary: describe(odd) };
  if (odd.length === 0)
    return { ...result, verdict: 'NothingToDo', summary: `Every member takes fresh tokens. ${INNOCENT}` };
  const hosts = { rejecting, inspections: rejecting.flatMap((name) => inspections(cluster, name)) };
  if (next.equal < READINGS) return { ...result, ...hosts, verdict: 'Confirm' };
  if (rejecting.length > 0) return { ...result, ...hosts, verdict: 'Cure' };
  if (odd.some(({ status }) => FOR_A_PERSON.includes(status))) {
    throw new PreconditionFailed(
      `${noneRejects(odd)}, so a restart would not help, and nothing was changed:\n${describe(odd)}`,
    );
  }
  return { ...result, verdict: 'NothingToDo', summary: `${describe(odd)} ${noneRejects(odd)}. ${INNOCENT}` };
}

/** Of those that could not be asked nobody knows it. */
function noneRejects(members: readonly MemberTokens[]): string {
  const unknown = members.filter(({ status }) => status === 'Failed' || status === 'Lags');
  if (unknown.length === 0) return 'No member rejects every token';
  const [names, verb] = [unknown.map(({ name }) => name).join(', '), unknown.length === 1 ? 'accepts' : 'accept'];
  return `Whether ${names} ${verb} tokens is unknown. No other member rejects every token`;
}

function inspections(cluster: Cluster, name: string) {
  return cluster.members.some((member) => member.name === name && member.host) ? [inspectionOf(cluster, name)] : [];
}

/** @throws PreconditionFailed where it was not an execution of this runbook that has disabled it */
function describeOpen({ window }: TokenObservation): string {
  if (window && window.enabledAt === null) {
    return `Authentication is disabled since ${new Date(window.disabledAt).toISOString()}: the execution ${window.execution} was ended before it could enable it again.`;
  }
  throw new PreconditionFailed(
    'etcd runs without authentication, although clusters.json names a login: anyone may read and write. Who disabled ' +
      'it is unknown. Enable it ("etcdctl auth enable"; the user root with the role root has to be there), or take "auth" out of clusters.json.',
  );
}

function countReadings({ statuses, equal, total }: TokenReadings, members: readonly MemberTokens[]): TokenReadings {
  const seen = members.filter(({ status }) => status !== 'TakesTokens').map(({ name, status }) => `${name} ${status}`);
  if (total >= MAX_READINGS) {
    throw new PreconditionFailed(
      `${total} readings did not agree on which members take tokens, last ${statuses.join(', ')}: the cluster flaps. Look at its network, its ` +
        'disks, and at who changes users and roles.',
    );
  }
  return { statuses: seen, equal: statuses.join() === seen.join() ? equal + 1 : 1, total: total + 1 };
}

function describe(members: readonly MemberTokens[]): string {
  return members.map(({ name, problem }) => `${name} ${problem}`).join(' ');
}
