import { describeId } from '../cluster/cluster-health.ts';
import type { HashReading, VoterHash } from '../cluster/compared-hashes.ts';
import { quorumOf } from '../cluster/member-survey.ts';
import type { Observation, RaisedAlarm } from '../cluster/observation.ts';
import { UnsafeToProceed } from '../errors.ts';

/** Whose data are the cluster's, and whose are others. */
export interface Judgement {
  /** A majority of all voters, if any differs from them; else all that were compared. */
  agreeing: VoterHash[];
  dissenters: VoterHash[];
}

export function corruptAlarmsOf({ alarms }: Pick<Observation, 'alarms'>): RaisedAlarm[] {
  return alarms.filter(({ alarm }) => alarm === 'CORRUPT');
}

/**
 * A majority that agrees is right, for what it holds a quorum has acknowledged. It is one of all voters, not of those that answer.
 * @throws UnsafeToProceed with the table of hashes where there is none
 */
export function judgeHashes(reading: HashReading, observation: Observation): Judgement {
  // Beyond the compared revision a member may have applied what others have not: it has no other way to get ahead while nothing is written.
  const isStopped = corruptAlarmsOf(observation).length > 0;
  const groups = [
    ...Map.groupBy(reading.hashes, ({ hash, head }) => (isStopped ? `${hash} ${head}` : `${hash}`)).values(),
  ].toSorted((a, b) => b.length - a.length);
  const [agreeing = [], ...others] = groups;
  const dissenters = others.flat();
  const voters = observation.memberList.filter(({ isLearner }) => !isLearner).length;
  if (dissenters.length > 0 && agreeing.length < quorumOf(observation.memberList)) {
    throw new UnsafeToProceed(
      `Members hold different data at revision ${reading.revision}, and no majority of all ${voters} voters agrees:` +
        `${tableOf(reading)}\nSo nothing says whose data are right, and nothing was changed. Let no client write. Compare each member with a backup or with ` +
        'what clients know, decide whose data to keep, and recover the cluster from that: docs/runbooks.md#by-hand-data-corrupt.',
    );
  }
  return { agreeing, dissenters };
}

/** A line for each voter that was asked. */
export function tableOf({ hashes, revision }: HashReading): string {
  return hashes.map(({ name, hash, head }) => `\n- ${name}: hash ${hash} at ${revision}, newest ${head}`).join('');
}

/** Why one that differs is replaced, as a sentence about it goes on. */
export function describeDissent(
  dissenter: VoterHash,
  { agreeing }: Judgement,
  { revision, compactRevision }: HashReading,
): string {
  const [first] = agreeing;
  const names = agreeing.map(({ name }) => name).join(', ');
  const compared =
    first?.hash === dissenter.hash
      ? `has data up to revision ${dissenter.head}, and ${names} have up to ${first.head} and applied the same entries`
      : `has the hash ${dissenter.hash} at revision ${revision}, and ${names} have ${first?.hash}`;
  return `holds other data than a majority of the voters: it ${compared} (${Number(compactRevision) > 0 ? `history is compacted up to ${compactRevision}` : 'history was never compacted'}).`;
}

/** What etcd says of it, and whether the hashes say the same; empty without an alarm. */
export function describeAlarms(observation: Observation, { dissenters }: Judgement): string {
  const raised = corruptAlarmsOf(observation);
  if (raised.length === 0) return dissenters.length > 0 ? 'etcd itself has raised no alarm.' : '';
  const named = raised.filter(({ memberId }) => memberId !== '0');
  const list = raised.map(({ memberId }) => (memberId === '0' ? 'all members' : describeId(observation, memberId)));
  const others = named.filter(({ memberId }) => !dissenters.some(({ id }) => id === memberId));
  const contradiction =
    dissenters.length > 0 && others.length > 0
      ? ` The data of ${others.map(({ memberId }) => describeId(observation, memberId)).join(', ')} agree with the majority all the same: etcd's periodic check takes the ` +
        "leader's data for right, and this one takes the majority's."
      : '';
  return `etcd has raised CORRUPT for ${list.join(', ')}.${contradiction}`;
}
