import { requireConfiguredMembers, requireSettled, type SettledCluster, silentAt } from '../cluster/cluster-health.ts';
import type { ConfiguredMember } from '../cluster/clusters.ts';
import { entriesOf, requireIdentities } from '../cluster/identity.ts';
import { describeSilence, quorumOf } from '../cluster/member-survey.ts';
import { narrowTo, observedOf } from '../cluster/narrowed-observation.ts';
import { type MemberObservation, type Observation, type SilentMember, seenOf } from '../cluster/observation.ts';
import { EtcdUnavailable, PreconditionFailed } from '../errors.ts';
import type { LeftOutMember } from './contracts.ts';

/** The part of a cluster that a runbook works with, and the members that it works without. */
export interface WorkingCluster extends SettledCluster {
  leftOut: LeftOutMember[];
  /** Members of the configuration that etcd does not list. */
  unlisted: string[];
}

/**
 * Who may be left out of a reclaim, by name: those that do not answer while etcd refuses writes. Before it does nothing presses, and
 * the member can be seen to first. One that etcd does not list has no part in anything, and is not left out of it.
 */
export function membersToLeaveOut(observation: Observation, configured: readonly ConfiguredMember[]): string[] {
  if (!observation.alarms.some(({ alarm }) => alarm === 'NOSPACE')) return [];
  const unlisted = unlistedMembers(observation, configured);
  return observation.members.filter((seen) => isAway(seen) && !unlisted.includes(seen.name)).map(({ name }) => name);
}

/** Members of the configuration that are away and that etcd does not list, which a replacement would add. */
function unlistedMembers(observation: Observation, configured: readonly ConfiguredMember[]): string[] {
  if (observation.memberList.length === 0) return [];
  const entries = entriesOf(configured, observation);
  const unlisted = configured.filter((member) => {
    const seen = seenOf(member, observation.members);
    return seen && isAway(seen) && !entries.has(member);
  });
  return unlisted.map(({ name }) => name);
}

/** Whatever else keeps a member from answering us does not say that it has failed. */
function isAway(seen: MemberObservation): seen is SilentMember {
  return !seen.answering && seen.silence === 'away';
}

/**
 * That the cluster works without those of `mayBeLeftOut` that do not answer: a quorum of etcd's voters answers, and all that answer follow
 * one leader and are caught up. A member that answers again is one of them.
 * @param whenSilent as of {@link requireConfiguredMembers}
 * @throws PreconditionFailed, EtcdUnavailable
 */
export function settleWithout(
  mayBeLeftOut: readonly string[],
  observation: Observation,
  members: readonly ConfiguredMember[],
  whenSilent: 'stop' | 'wait',
): WorkingCluster {
  const configured = observedOf(members, observation);
  requireIdentities(configured, observation, { untouched: whenSilent === 'stop' });
  const unlisted = unlistedMembers(observation, configured);
  const away = observation.members.filter(isAway).filter(({ name }) => mayBeLeftOut.includes(name));
  const working = configured.filter(({ name }) => !unlisted.includes(name) && !away.some((seen) => seen.name === name));
  const narrowed = narrowTo(
    working.map(({ name }) => name),
    configured,
    observation,
  );
  const answering = requireConfiguredMembers(narrowed, working, whenSilent, unlisted);
  if (away.length > 0) {
    requireQuorum(answering.filter(({ isLearner }) => !isLearner).length, away, observation, whenSilent);
  }
  const entries = entriesOf(configured, observation);
  const entryOf = (seen: SilentMember) =>
    entries.get(configured.find(({ name }) => name === seen.name) as ConfiguredMember);
  const leftOut = away.map((seen) => ({ member: seen.name, problem: describeSilence(seen, entryOf(seen)) }));
  return { ...requireSettled(answering), leftOut, unlisted };
}

function requireQuorum(
  voters: number,
  away: readonly SilentMember[],
  { memberList }: Observation,
  whenSilent: 'stop' | 'wait',
): void {
  const list = away.map((seen) => `\n- ${silentAt(seen)}`).join('');
  if (memberList.length === 0) {
    throw new EtcdUnavailable(
      `etcd's list of members cannot be read, so it is unknown whether a quorum works without those that do not answer:${list}`,
    );
  }
  if (voters >= quorumOf(memberList)) return;
  const count = memberList.filter(({ isLearner }) => !isLearner).length;
  const message =
    `${voters} of ${count} voters answer, and a quorum is ${quorumOf(memberList)}. These do not answer:${list}\n` +
    'Without a quorum no member can be left out: see the incident quorum-lost.';
  throw whenSilent === 'wait' ? new EtcdUnavailable(message) : new PreconditionFailed(message);
}

/**
 * That the same members were silent in each of so many readings: one that only starts again, or is still being defragmented for someone
 * else, answers meanwhile.
 * @throws EtcdUnavailable, to look again
 */
export function requireSteadySilence(readings: readonly { leftOut: readonly LeftOutMember[] }[], wanted: number): void {
  const [last = [], ...earlier] = readings.map(({ leftOut }) => leftOut.map(({ member }) => member)).toReversed();
  const moment = last.filter((name) => !earlier.every((names) => names.includes(name)));
  if (moment.length === 0 && readings.length >= wanted) return;
  throw new EtcdUnavailable(
    `${(moment.length > 0 ? moment : last).join(', ')} has only just stopped answering, or answers now and then: looking again.`,
  );
}
