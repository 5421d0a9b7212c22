import { describeId } from '../cluster/cluster-health.ts';
import type { HashReading, VoterHash } from '../cluster/compared-hashes.ts';
import { quorumOf } from '../cluster/member-survey.ts';
import type { Observation, RaisedAlarm } from '../cluster/observation.ts';
import { EtcdUnavailable, UnsafeToProceed } from '../errors.ts';

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
 * @throws EtcdUnavailable where only the newest revisions differ, and not everyone has applied the same entries
 */
export function judgeHashes(reading: HashReading, observation: Observation): Judgement {
  const withHead = doRevisionsCount(reading, observation);
  const groups = [
    ...Map.groupBy(reading.hashes, ({ hash, head }) => (withHead ? `${hash} ${head}` : `${hash}`)).values(),
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

/**
 * While CORRUPT is raised etcd applies no write, so voters that have applied the same entries have the same revision, or other data beyond the compared one.
 * Refused writes of clients are entries as well: under load no two voters are read at the same one, and the hashes alone decide.
 */
function doRevisionsCount({ hashes }: HashReading, observation: Observation): boolean {
  if (corruptAlarmsOf(observation).length === 0) return false;
  const voters = observation.members.filter((seen) => seen.answering && hashes.some(({ id }) => id === seen.id));
  const entries = voters.map((seen) => (seen.answering ? seen.raftAppliedIndex : ''));
  if (new Set(entries).size <= 1) return true;
  const areHashesSame = new Set(hashes.map(({ hash }) => hash)).size <= 1;
  if (!areHashesSame || new Set(hashes.map(({ head }) => head)).size <= 1) return false;
  const list = hashes.map(({ name, head }) => `${name} is at revision ${head}`);
  throw new EtcdUnavailable(
    `Not every voter has applied the same entries yet, so their newest revisions cannot be compared: ${list.join(', ')}.`,
  );
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
