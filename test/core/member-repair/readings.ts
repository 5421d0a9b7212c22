import type { HashReading } from '../../../core/cluster/compared-hashes.ts';
import type { AnsweringMember, MemberObservation, Observation } from '../../../core/cluster/observation.ts';
import { idOf, observation, voter } from '../observations.ts';

/** Voters from node1 on, by a letter each: those of the same letter hold the same data. */
export function hashesOf(letters: string, heads: readonly string[] = []): HashReading {
  const hashes = [...letters].flatMap((letter, at) => {
    const name = `node${at + 1}`;
    return letter === '-' ? [] : [{ name, id: idOf(name), hash: letter.charCodeAt(0), head: heads[at] ?? '5000' }];
  });
  return { revision: '5000', compactRevision: '4000', hashes };
}

export function seen(count: number, differences: Partial<Observation> = {}): Observation {
  return observation(votersOf(count), differences);
}

export function votersOf(count: number, differences: Partial<AnsweringMember> = {}): AnsweringMember[] {
  return Array.from({ length: count }, (_, at) => voter(`node${at + 1}`, differences));
}

export function withLast(count: number, last: MemberObservation): MemberObservation[] {
  return [...votersOf(count - 1), last];
}

export function corrupt(memberId: string) {
  return { memberId, alarm: 'CORRUPT' };
}
