import type { HashReading, VoterHash } from '../../core/cluster/compared-hashes.ts';
import type { AnsweringMember } from '../../core/cluster/observation.ts';
import { EtcdUnavailable, RemediationError } from '../../core/errors.ts';
import type { Divergence } from '../../core/member-repair/contracts.ts';
import type { EtcdCluster } from './cluster.ts';
import { hasReason } from './errors.ts';

/** More than enough to halve any range of 64-bit revisions that one member may keep. */
const MAX_HALVINGS = 40;

/**
 * The hashes of voters at one revision, the newest that all of them have. One is asked after the other: while a member computes its hash it
 * commits nothing to its database, and a quorum is to go on.
 * @param until when to have come to an end, as Date.now() returns it
 * @param isStopped whether CORRUPT is raised, so that etcd applies no write. Then all that each has is asked for first: what a member remembers of a compaction may be
 *   older than the damage to its database
 * @throws EtcdUnavailable where they cannot be compared now: a compaction or writes came in between
 */
export async function readHashes(
  etcd: EtcdCluster,
  voters: readonly AnsweringMember[],
  until: number,
  isStopped = false,
): Promise<HashReading> {
  if (voters.length === 0)
    throw new EtcdUnavailable('No voter can be compared: none follows a leader and is caught up.');
  if (isStopped) {
    const computed = await askNewest(etcd, voters, until);
    if (areNewestComparable(computed)) return readingOf(computed[0]?.head ?? '0', computed);
  }
  const revision = voters
    .map((voter) => BigInt(voter.revision))
    .reduce((lowest, each) => (each < lowest ? each : lowest))
    .toString();
  const answers = await askAt(etcd, voters, revision, until);
  return answers && isComparable(answers) ? readingOf(revision, answers) : readNewest(etcd, voters, until);
}

type Answer = VoterHash & { compactRevision: string };

/** It has had this revision a moment ago. A member that was started again has to apply its log first. */
export function startedAgain(name: string, revision: string): EtcdUnavailable {
  return new EtcdUnavailable(
    `${name} has not applied revision ${revision} yet, which it had a moment ago: it was started again. Its data is compared once it is caught up.`,
  );
}

/** @returns nothing where one has compacted this revision */
async function askAt(
  etcd: EtcdCluster,
  voters: readonly AnsweringMember[],
  revision: string,
  until: number,
): Promise<Answer[] | undefined> {
  const answers: Answer[] = [];
  for (const { name, id, revision: head } of voters) {
    try {
      answers.push({ name, id, head, ...(await etcd.member(name).hashAt(revision, until - Date.now())) });
    } catch (error) {
      if (hasReason(error, 'FutureRevision')) throw startedAgain(name, revision);
      if (!hasReason(error, 'Compacted')) throw error;
      return undefined;
    }
  }
  return answers;
}

/**
 * At a revision up to which history was compacted, a member may give no hash, or the one that it remembers, with another compact revision
 * (measured on 3.5.35, 3.6.16 and 3.7.3). What each computes of all that it has can be compared while nothing is written.
 */
async function readNewest(etcd: EtcdCluster, voters: readonly AnsweringMember[], until: number): Promise<HashReading> {
  const answers = await askNewest(etcd, voters, until);
  if (areNewestComparable(answers)) return readingOf(answers[0]?.head ?? '0', answers);
  const list = answers.map(
    ({ name, head, compactRevision }) => `${name} is at revision ${head} and compacted up to ${compactRevision}`,
  );
  throw new EtcdUnavailable(
    `The hashes of members cannot be compared, for a compaction or writes came in between: ${list.join(', ')}.`,
  );
}

async function askNewest(etcd: EtcdCluster, voters: readonly AnsweringMember[], until: number): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const { name, id } of voters) {
    const { revision: head, ...hash } = await etcd.member(name).newestHash(until - Date.now());
    answers.push({ name, id, head, ...hash });
  }
  return answers;
}

function areNewestComparable(answers: readonly Answer[]): boolean {
  return new Set(answers.map(({ head }) => head)).size === 1 && isComparable(answers);
}

/** Equal hashes prove equal data, whatever was compacted; different ones prove nothing where not the same was compacted. */
function isComparable(answers: readonly Answer[]): boolean {
  const isSame = (field: 'hash' | 'compactRevision') => new Set(answers.map((answer) => answer[field])).size <= 1;
  return isSame('hash') || isSame('compactRevision');
}

function readingOf(revision: string, answers: readonly Answer[]): HashReading {
  const hashes = answers.map(({ name, id, hash, head }) => ({ name, id, hash, head }));
  return { revision, compactRevision: answers[0]?.compactRevision ?? '0', hashes };
}

/**
 * From which revision on the data of two members differ, by halving what they have not compacted. It only reads, and what it has not found
 * by then stays unknown.
 * @param names one that agrees with the majority, and one that does not
 * @param until as of {@link readHashes}
 */
export async function findDivergence(
  etcd: EtcdCluster,
  names: readonly [string, string],
  { revision, compactRevision, hashes }: HashReading,
  until: number,
): Promise<Divergence> {
  const [one, other] = names.map((name) => hashes.find((each) => each.name === name)?.hash);
  // It has got ahead of the others, and has held the same until then.
  if (one !== undefined && one === other) return { sameAt: revision, differentAt: (BigInt(revision) + 1n).toString() };
  // -1 where nothing was ever compacted; "0" would ask for the newest.
  let same = BigInt(compactRevision) > 0n ? BigInt(compactRevision) : 0n;
  let different = BigInt(revision);
  let isKnown = false;
  for (let turn = 0; turn < MAX_HALVINGS && different - same > 1n && Date.now() < until; turn++) {
    const middle = (same + different) / 2n;
    const areSame = await compareAt(etcd, names, middle.toString(), until);
    if (areSame === undefined) break;
    isKnown ||= areSame;
    if (areSame) same = middle;
    else different = middle;
  }
  return { sameAt: isKnown ? same.toString() : '', differentAt: different.toString() };
}

/** @returns undefined where that cannot be told */
async function compareAt(
  etcd: EtcdCluster,
  names: readonly [string, string],
  revision: string,
  until: number,
): Promise<boolean | undefined> {
  try {
    const ask = (name: string) => etcd.member(name).hashAt(revision, until - Date.now());
    const [one, other] = [await ask(names[0]), await ask(names[1])];
    if (one.hash === other.hash) return true;
    return one.compactRevision === other.compactRevision ? false : undefined;
  } catch (error) {
    if (!(error instanceof RemediationError)) throw error;
    return undefined;
  }
}
