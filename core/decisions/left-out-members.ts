import type { ConfiguredMember } from '../contracts/clusters.ts';
import type { MemberObservation, Observation, SilentMember } from '../contracts/observation.ts';
import type { LeftOutMember } from '../contracts/space.ts';
import { EtcdUnavailable, PreconditionFailed } from '../errors.ts';
import { requireConfiguredMembers, requireSettled, type SettledCluster } from './cluster-health.ts';
import { describeSilence, findListed, quorumOf } from './member-survey.ts';
import { narrowTo } from './narrowed-observation.ts';

/** The part of a cluster that a runbook works with, and the members that it works without. */
export interface WorkingCluster extends SettledCluster {
  leftOut: LeftOutMember[];
}

/**
 * Who may be left out of a reclaim, by name: those that do not answer while etcd refuses writes. Before it does nothing presses, and
 * the member can be seen to first.
 */
export function membersToLeaveOut({ members, alarms }: Observation): string[] {
  return alarms.some(({ alarm }) => alarm === 'NOSPACE') ? members.filter(isSilent).map(({ name }) => name) : [];
}

/** One that refuses us runs, and so does one that says that it has no leader: neither has failed. */
function isSilent(seen: MemberObservation): seen is SilentMember {
  return !seen.answering && !seen.refused && !seen.leaderless;
}

/**
 * That the cluster works without those of `mayBeLeftOut` that do not answer: a quorum of etcd's voters answers, and all that answer follow
 * one leader and are caught up. Whoever answers again is one of them.
 * @param whenSilent as of {@link requireConfiguredMembers}
 * @throws PreconditionFailed, EtcdUnavailable
 */
export function settleWithout(
  mayBeLeftOut: readonly string[],
  observation: Observation,
  configured: readonly ConfiguredMember[],
  whenSilent: 'stop' | 'wait',
): WorkingCluster {
  const away = observation.members.filter(isSilent).filter(({ name }) => mayBeLeftOut.includes(name));
  if (away.length === 0) return { ...requireSettled(requireConfiguredMembers(observation, whenSilent)), leftOut: [] };
  const others = observation.members.filter((seen) => !away.some(({ name }) => name === seen.name));
  const names = others.map(({ name }) => name);
  const answering = requireConfiguredMembers(narrowTo(names, configured, observation), whenSilent);
  requireQuorum(answering.filter(({ isLearner }) => !isLearner).length, away, observation, whenSilent);
  const leftOut = away.map((seen) => {
    const entry = configured.find(({ name }) => name === seen.name);
    return {
      member: seen.name,
      problem: describeSilence(seen, entry && findListed(entry, seen, observation.memberList)),
    };
  });
  return { ...requireSettled(answering), leftOut };
}

function requireQuorum(
  voters: number,
  away: readonly SilentMember[],
  { memberList }: Observation,
  whenSilent: 'stop' | 'wait',
): void {
  const list = away.map(({ name, endpoint, problem }) => `\n- ${name} (${endpoint}): ${problem}`).join('');
  if (memberList.length === 0) {
    throw new EtcdUnavailable(
      `etcd's list of members cannot be read, so nobody can tell whether a quorum works without those that do not answer:${list}`,
    );
  }
  if (voters >= quorumOf(memberList)) return;
  const count = memberList.filter(({ isLearner }) => !isLearner).length;
  const message =
    `${voters} of ${count} voters answer, and a quorum is ${quorumOf(memberList)}. These do not answer:${list}\n` +
    'Without a quorum nobody can be left out: see the incident quorum-lost.';
  throw whenSilent === 'wait' ? new EtcdUnavailable(message) : new PreconditionFailed(message);
}

/**
 * That the same members were silent in each of so many readings: one that only starts again, or is still being defragmented for somebody
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
