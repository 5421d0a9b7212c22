import type { Salvage } from '../hosts/host-command-results.ts';
import type { Candidate, Loss, SalvageReport } from './contracts.ts';

/**
 * etcd commits what it has applied to its database every 100 ms or after so many operations, whichever is first (its
 * --backend-batch-interval and --backend-batch-limit). So the database of a killed member lacks at most as many.
 */
const BATCH_LIMIT = 10_000;

export interface LossQuestion {
  voters: readonly string[];
  quorum: number;
  salvaged: readonly SalvageReport[];
  /** Members that have lost what they had acknowledged, and were started again: what they hold proves nothing. */
  forgotten?: readonly string[];
  winner: Candidate;
}

type Salvaged = Salvage & { member: string };

/**
 * How many acknowledged writes the winner can lack at most. There are two arguments. If neither holds, the bound is unknown, and the report says so.
 *
 * The logs. A write is acknowledged once a quorum has it in its logs, on disk. Of n voters any n - quorum + 1 share a member with every
 * quorum. So if that many logs were read whole, every acknowledged write is in one of them, at or before the last entry of all. The
 * winner has, by its revision, all that any of them knew as committed. What is between is what may be lost. An entry that
 * changes keys is one write, and may be a transaction of several puts. Indexes of two clusters cannot be compared, so only logs of the winner's cluster
 * count: a member that was left out of an earlier recovery, and came back, has a log of another.
 *
 * The databases. A write is acknowledged by a voter that has applied it, and whose database lacks at most the last batch. Where the
 * databases of all voters were read, that voter's is among them, and the winner is at least as new. This needs
 * no log at all, but no more than one cluster: revisions of two cannot be compared either.
 *
 * Neither says anything of a backup: whether its history is the one of these logs cannot be seen from its revision.
 */
export function boundDataLoss(question: LossQuestion): Loss {
  const { winner, forgotten = [] } = question;
  const salvaged = question.salvaged.flatMap(({ member, result }): Salvaged[] =>
    result && question.voters.includes(member) && !forgotten.includes(member) ? [{ ...result, member }] : [],
  );
  const keptRevision = winner.revision;
  if (winner.source === 'backup') {
    return { keptRevision, atMostWrites: null, explanation: explainBackup(winner, salvaged) };
  }
  const byLogs = boundByLogs(question, salvaged);
  const byDatabases = boundByDatabases(question, salvaged);
  const [tightest] = [byLogs, byDatabases]
    .filter((bound) => bound !== undefined)
    .toSorted((a, b) => a.atMostWrites - b.atMostWrites);
  const kept = `Everything up to revision ${keptRevision} is kept.`;
  if (!tightest) {
    return { keptRevision, atMostWrites: null, explanation: `${kept} ${explainUnknown(question, salvaged)}` };
  }
  return { keptRevision, ...tightest, explanation: `${kept} ${tightest.explanation}` };
}

type Bound = Pick<Loss, 'explanation'> & { atMostWrites: number };

/** The clusters that the data is of, each with its members. */
function clustersIn(salvaged: Salvaged[]): Map<string, string[]> {
  const byCluster = Map.groupBy(
    salvaged.filter(({ clusterId }) => clusterId !== ''),
    ({ clusterId }) => clusterId,
  );
  return new Map([...byCluster].map(([id, each]) => [id, each.map(({ member }) => member)]));
}

function boundByLogs({ voters, quorum, winner }: LossQuestion, salvaged: Salvaged[]): Bound | undefined {
  const own = salvaged.find(({ member }) => member === winner.member)?.clusterId;
  // It is unknown which cluster a database without its log is of.
  if (!own && clustersIn(salvaged).size > 1) return undefined;
  const logs = salvaged
    .flatMap(({ member, log }) => (log ? [{ member, ...log }] : []))
    .filter(({ clusterId }) => !own || clusterId === own);
  const whole = logs.filter(({ complete }) => complete);
  if (whole.length < voters.length - quorum + 1) return undefined;
  const last = whole.map(({ lastIndex }) => BigInt(lastIndex)).reduce(highest);
  const committed = logs.map(({ commitIndex }) => BigInt(commitIndex)).reduce(highest);
  const between = last - committed;
  const atMostWrites = between > 0n ? Number(between) : 0;
  const read = `The logs of ${whole.map(({ member }) => member).join(', ')} were read to their ends, and every quorum has at least one of these members`;
  return {
    atMostWrites,
    explanation:
      atMostWrites === 0
        ? `${read}: no acknowledged write is lost.`
        : `${read}: at most ${atMostWrites} acknowledged writes are lost, which are the entries after the last one that is known as committed.`,
  };
}

function boundByDatabases({ voters }: LossQuestion, salvaged: Salvaged[]): Bound | undefined {
  const read = salvaged.filter(({ method, rawRevision }) => method !== 'none' && /^\d*[1-9]\d*$/.test(rawRevision));
  if (read.length < voters.length || clustersIn(salvaged).size > 1) return undefined;
  return {
    atMostWrites: BATCH_LIMIT,
    explanation:
      `The databases of all voters were read, and none of them lacks more than its last batch: at most ${BATCH_LIMIT} acknowledged writes ` +
      "are lost (etcd's own --backend-batch-limit; usually those of the last 100 ms).",
  };
}

function explainUnknown({ voters, quorum, winner, forgotten = [] }: LossQuestion, salvaged: Salvaged[]): string {
  const missing = voters.filter(
    (voter) => !forgotten.includes(voter) && !salvaged.some(({ member, log }) => member === voter && log?.complete),
  );
  const needed = voters.length - quorum + 1;
  const clusters = clustersIn(salvaged);
  const different =
    clusters.size > 1
      ? ` The logs are of different clusters (${[...clusters].map(([id, members]) => `${id || 'unknown'}: ${members.join(', ')}`).join('; ')}) and cannot be ` +
        'compared: a member may have been left out of an earlier recovery. Make sure that the winner is of the right cluster.'
      : '';
  const unread =
    missing.length > 0
      ? ` The logs of ${missing.join(', ')} could not be read to their ends, so these may have had writes that no other log holds.`
      : '';
  const begunAnew =
    forgotten.length > 0 ? ` ${forgotten.join(', ')} may have had such writes, and lost them with the data.` : '';
  // The leader is the first to know a write as committed, and a member that runs on has applied all that it knew.
  const survivor =
    winner.source === 'survivor'
      ? ` If ${winner.member} was the leader until then, nothing is lost: a leader that runs on has all that was acknowledged.`
      : '';
  return (
    `How many acknowledged writes are lost cannot be counted.${different}${unread}${begunAnew} If all members kept up, only writes of the last moments before the quorum was lost are missing.` +
    `${survivor} To count them, ${needed} whole logs${clusters.size > 1 ? ' of one cluster' : ''} would be needed: a write is acknowledged once ${quorum} of the ` +
    `${voters.length} voters have it.`
  );
}

function explainBackup({ revision }: Candidate, salvaged: Salvaged[]): string {
  const newest = salvaged
    .filter(({ method }) => method !== 'none')
    .toSorted((a, b) => (BigInt(a.revision) < BigInt(b.revision) ? 1 : -1))[0];
  const after = `A backup is restored, at revision ${revision}: everything that was written after it was taken is lost`;
  if (!newest || BigInt(newest.revision) <= BigInt(revision)) {
    return `${after}. How much that is cannot be counted. Nothing newer is left on any host that was looked at.`;
  }
  const given = BigInt(newest.revision) - BigInt(revision);
  return (
    `${after}. ${newest.member} still has revision ${newest.revision}, so at least ${given} writes are given up that could be kept, if both are ` +
    'of the same history; its data stays aside on its host.'
  );
}

function highest(a: bigint, b: bigint): bigint {
  return b > a ? b : a;
}
