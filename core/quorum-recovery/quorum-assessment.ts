import type { ClusterView } from '../cluster/cluster-view.ts';
import type { Cluster } from '../cluster/clusters.ts';
import { commitsOf, committedSince } from '../cluster/commits.ts';
import { isAnyLeaderFollowed, quorumIn, votersOf } from '../cluster/configured-quorum.ts';
import { MAX_READINGS, READINGS } from '../cluster/confirmation.ts';
import type { Evidence } from '../cluster/evidence.ts';
import { requireIdentities } from '../cluster/identity.ts';
import { isUnjudged, KEPT_FROM_US, SILENCES } from '../cluster/member-survey.ts';
import type { MemberObservation, Observation, SilentMember } from '../cluster/observation.ts';
import { InvalidInput, PreconditionFailed } from '../errors.ts';
import { inspectionOf } from '../hosts/host-place.ts';
import type { HostCommand } from '../hosts/run-host-commands.ts';
import { START_AGAIN } from '../text/format.ts';
import type { MemberStatus, QuorumAssessment, QuorumParameters, QuorumReadings } from './contracts.ts';
import { requireReadableBackup } from './named-backup.ts';

/** What one member made of a read that needs a quorum. */
export interface LinearizableRead {
  member: string;
  works: boolean;
  /** Empty where it works. */
  problem: string;
}

export interface QuorumRequest {
  cluster: Cluster;
  parameters: QuorumParameters;
  readings: QuorumReadings;
}

/**
 * Is the quorum lost, seen often enough? Everything here comes before the first change. Alarms and etcd's own list of members play no
 * part, because without a quorum they cannot be read.
 * @throws InvalidInput, PreconditionFailed
 */
export function assessQuorum(
  observation: Observation,
  linearizable: readonly LinearizableRead[],
  { cluster, parameters, readings }: QuorumRequest,
): QuorumAssessment {
  requireReadableBackup(cluster, parameters);
  // Reads that work elsewhere say nothing of this cluster.
  requireIdentities(cluster.members, observation, { begun: true, untouched: true });
  const members = observation.members.map((seen) => {
    const read = linearizable.find(({ member }) => member === seen.name);
    return memberStatusOf(seen, readProblemOf(seen, read));
  });
  const reading = { total: readings.total + 1, committed: commitsOf(observation.members) };
  const committing = committedSince(readings.committed, observation.members);
  const serving = linearizable.filter(({ works }) => works).map(({ member }) => member);
  if (serving.length > 0) {
    refuseDeniedLogins(observation, serving);
    const summary = describeWorking(observation, serving, members);
    const next = { ...reading, lost: 0 };
    return { verdict: 'NothingToDo', summary, readings: next, members, inspections: [] };
  }
  refuseUnjudged(cluster, observation);
  requireIdentities(cluster.members, observation, { untouched: true, writesNames: true });
  const isLost = committing.length === 0 && !isAnyLeaderFollowed(cluster, observation);
  const next = { ...reading, lost: isLost ? readings.lost + 1 : 0 };
  const confirmed = next.lost >= READINGS;
  if (!confirmed && next.total > MAX_READINGS) throw neverConfirmed(next, members);
  return {
    verdict: confirmed ? 'Lost' : 'Confirm',
    summary: describeLost(cluster, { isLost, committing }, members),
    readings: next,
    members,
    inspections: inspectionsOf(cluster),
  };
}

/** @param problem why it is of no use to clients; empty where it serves them */
export function memberStatusOf(seen: MemberObservation, problem: string): MemberStatus {
  if (!seen.answering) {
    return {
      name: seen.name,
      answering: false,
      leaderId: '',
      version: '',
      revision: '',
      raftAppliedIndex: '',
      problem,
    };
  }
  const { name, leaderId, version, revision, raftAppliedIndex } = seen;
  return { name, answering: true, leaderId, version, revision, raftAppliedIndex, problem };
}

function readProblemOf(seen: MemberObservation, read: LinearizableRead | undefined): string {
  if (read?.works) return '';
  if (!seen.answering) return describeUnseen(seen);
  // Of one that is of another cluster none was tried: it has a quorum of its own, or none.
  if (!read) return `belongs to another cluster (${seen.clusterId}).`;
  const follows = `follows ${seen.leaderId === '0' ? 'no leader' : seen.leaderId}`;
  return `${follows}, and serves no linearizable read: ${read.problem}`;
}

function describeUnseen({ silence, problem }: SilentMember): string {
  return `${SILENCES[silence]}: ${problem}`;
}

/** Voters that refuse us run, and those that we do not reach may run. If they are as many as a quorum, they may be one that works for everyone else. */
export function unjudgedQuorum(cluster: Cluster, { members }: Pick<Observation, 'members'>): SilentMember[] {
  const voters = votersOf(cluster).map(({ name }) => name);
  const kept = members.flatMap((seen) =>
    !seen.answering && KEPT_FROM_US.includes(seen.silence) && voters.includes(seen.name) ? [seen] : [],
  );
  return kept.length < quorumIn(cluster) ? [] : kept;
}

/** Whether a quorum cannot be judged from here: the members that refuse us, or are not reached, may be one. */
export function isQuorumUnjudged(cluster: Cluster, evidence: Evidence, { hasQuorum }: ClusterView): boolean {
  return !hasQuorum && unjudgedQuorum(cluster, evidence).length > 0;
}

/** @throws PreconditionFailed where it is unknown whether there is a quorum */
function refuseUnjudged(cluster: Cluster, observation: Pick<Observation, 'members'>): void {
  const kept = unjudgedQuorum(cluster, observation);
  if (kept.length === 0) return;
  const list = kept.map(({ name, problem }) => `\n- ${name}: ${problem}`).join('');
  const seen = kept.every(({ silence }) => silence === 'refused')
    ? 'runs and refuses us'
    : 'cannot be judged from here';
  throw new PreconditionFailed(
    `A quorum of members ${seen}, so it is unknown whether they work together:${list}\nCorrect what each line says, then start again. ` +
      'Nothing was changed.',
  );
}

/**
 * Others take this login. Who is behind such an address is unknown, so it must not count as in order.
 * @throws PreconditionFailed
 */
function refuseDeniedLogins({ members }: Pick<Observation, 'members'>, serving: readonly string[]): void {
  const denying = members.flatMap((seen) => (!seen.answering && seen.deniesLogin ? [seen] : []));
  if (denying.length === 0) return;
  const list = denying.map(({ name, problem }) => `\n- ${name}: ${problem}`).join('');
  throw new PreconditionFailed(
    `There is a quorum, for linearizable reads work on ${serving.join(', ')}. But ${denying.map(({ name }) => name).join(', ')} cannot be judged from here, for ` +
      `the login that others take is not taken there:${list}\nNothing was changed. Correct what each line says. ${START_AGAIN}`,
  );
}

function describeWorking(observation: Observation, serving: string[], members: MemberStatus[]): string {
  const leaders = observation.members.flatMap((seen) =>
    seen.answering && seen.id === seen.leaderId && serving.includes(seen.name) ? [seen.name] : [],
  );
  const leader = leaders.length === 1 ? `, and ${leaders[0]} leads` : '';
  const failed = members.filter(({ problem }) => problem !== '');
  // While a leader is followed that does not answer here, it may be any that is silent, and no runbook replaces one.
  const mayLead = isLeaderUnseen(observation);
  const isKept = ({ name }: MemberStatus) =>
    observation.members.some((seen) => seen.name === name && !seen.answering && (mayLead || isUnjudged(seen.silence)));
  const list = (chosen: readonly MemberStatus[]) => chosen.map(({ name, problem }) => `${name} ${problem}`).join(' ');
  const [kept, away] = [failed.filter(isKept), failed.filter((member) => !isKept(member))];
  return [
    `There is a quorum: linearizable reads work on ${serving.join(', ')}${leader}.`,
    ...(away.length > 0 ? [`See the incident member-failed for the others: ${list(away)}`] : []),
    ...(kept.length > 0
      ? [
          'See the incident member-inaccessible for those that cannot be judged from here. None of them is replaced. Correct ' +
            `what is said of each: ${list(kept)}`,
        ]
      : []),
  ].join(' ');
}

function isLeaderUnseen({ members }: Observation): boolean {
  const answering = members.filter((seen) => seen.answering);
  return answering.some(({ leaderId }) => leaderId !== '0' && !answering.some(({ id }) => id === leaderId));
}

function describeLost(
  cluster: Cluster,
  { isLost, committing }: { isLost: boolean; committing: string[] },
  members: MemberStatus[],
): string {
  const list = members.map(({ name, problem }) => `${name} ${problem}`).join(' ');
  const quorum = `a quorum (${quorumIn(cluster)} of ${votersOf(cluster).length} voters)`;
  if (isLost) return `No member serves a linearizable read, and no leader is followed by ${quorum}: ${list}`;
  const sign =
    committing.length > 0
      ? `${committing.join(', ')} learnt of a commit since the last reading, which takes ${quorum}`
      : `A leader is followed by ${quorum}`;
  return `${sign}, and yet no member serves a linearizable read: ${list}`;
}

function neverConfirmed({ total }: QuorumReadings, members: MemberStatus[]): PreconditionFailed {
  return new PreconditionFailed(
    `In ${total} readings no linearizable read worked, and yet the quorum was not seen lost ${READINGS} times in a row: the cluster flaps, ` +
      `or is too slow to serve. ${members.map(({ name, problem }) => `\n- ${name} ${problem}`).join('')}\nLook at its network, disks and load; ` +
      'nothing was changed.',
  );
}

/** @throws InvalidInput where the configuration names no host, or not where etcd is on it */
function inspectionsOf(cluster: Cluster): HostCommand[] {
  const onHosts = cluster.members.filter(({ host }) => host !== undefined);
  if (onHosts.length > 0) return onHosts.map(({ name }) => inspectionOf(cluster, name));
  throw new InvalidInput(
    `clusters.json names no "host" for any member of ${cluster.name}: without a quorum etcd does not answer, so what is left can only be ` +
      `read on the hosts. Add "layout" to the cluster and "host" to each member. ${START_AGAIN}`,
  );
}
