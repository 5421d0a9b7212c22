import * as z from 'zod';
import { EtcdUnavailable, UnsafeToProceed } from '../errors.ts';
import { clusterSchema } from './clusters.ts';

/** Of all keys of one member, at one revision. */
export const compareHashesInput = z.strictObject({
  cluster: clusterSchema,
  /** Only these are compared; every voter, if not said. */
  members: z.array(z.string()).optional(),
});

export interface ComparedHashes {
  revision: string;
  hash: number;
  members: string[];
  summary: string;
}

export interface MemberHash {
  name: string;
  hash: number;
  compactRevision: string;
}

/** What voters have answered, each asked for its hash at one revision. All have compacted up to the same one, unless their hashes are equal. */
export interface HashReading {
  revision: string;
  compactRevision: string;
  hashes: VoterHash[];
}

export interface VoterHash {
  name: string;
  /** In hex. */
  id: string;
  hash: number;
  /** Up to which revision this member has data. */
  head: string;
}

/**
 * That members hold the same data at `revision`. Equal hashes prove it, even if the compactions differ: a member that started
 * after a compaction reports another one for ever, with the same hash (measured on 3.5.16 and 3.7.3).
 * @throws UnsafeToProceed when they do not
 * @throws EtcdUnavailable where they differ while a compaction runs: what was compacted is not in the hash, and members finish at different times
 */
export function requireSameData(revision: string, hashes: readonly MemberHash[]): ComparedHashes {
  const [first] = hashes;
  const isSame = (field: 'hash' | 'compactRevision') => hashes.every((each) => each[field] === first?.[field]);
  if (!isSame('hash')) {
    if (!isSame('compactRevision')) {
      throw new EtcdUnavailable(
        `Hashes of data that is compacted up to different revisions cannot be compared: ${list(hashes, 'compactRevision')}. A compaction is under way.`,
      );
    }
    throw new UnsafeToProceed(
      `Members hold different data at revision ${revision}: ${list(hashes, 'hash')}. At least one of them is corrupt. A person has to find out ` +
        'which. A new member has its data from the leader, so that these two agree proves nothing. Let no client read ' +
        'from members that differ, take no snapshot of them, and compare them with a backup.',
    );
  }
  const members = hashes.map(({ name }) => name);
  const summary = `The same at revision ${revision} on ${members.join(', ')}.`;
  return { revision, hash: first?.hash ?? 0, members, summary };
}

function list(hashes: readonly MemberHash[], field: 'hash' | 'compactRevision'): string {
  return hashes.map((each) => `${each.name} ${each[field]}`).join(', ');
}
