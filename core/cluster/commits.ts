import type { MemberObservation } from './observation.ts';

/** How far members know the log as committed, by their names: raft indexes as decimal strings. */
export type Commits = Readonly<Record<string, string>>;

/** Of those that answer. */
export function commitsOf(members: readonly MemberObservation[]): Commits {
  return Object.fromEntries(members.flatMap((seen) => (seen.answering ? [[seen.name, seen.raftCommittedIndex]] : [])));
}

/**
 * Who has learnt of a commit between two looks. Only a quorum commits, so one worked in between, whether or not its members answer us. A raft term that moves
 * proves no such thing: a member that finds no other to vote for it raises its own.
 */
export function committedSince(before: Commits, members: readonly MemberObservation[]): string[] {
  return Object.entries(commitsOf(members)).flatMap(([name, index]) =>
    BigInt(index) > BigInt(before[name] ?? index) ? [name] : [],
  );
}
