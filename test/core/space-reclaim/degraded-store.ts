import type { MemberObservation, Observation } from '../../../core/cluster/observation.ts';
import { spaceParametersSchema } from '../../../core/space-reclaim/contracts.ts';
import { parse } from '../../../core/text/parse.ts';
import { FRAGMENTED, noSpace, observation, silent, voter } from '../observations.ts';

/** A store of which some members are away. */

export const parameters = parse(spaceParametersSchema, {}, 'parameters');
export const PROBLEM = 'does not answer: Nothing answers at this address.';

/** Members named node1, node2 and so on: fragmented voters, and those of `away` silent. */
export function cluster(count: number, away: number[], others: MemberObservation[] = []): MemberObservation[] {
  const members = Array.from({ length: count }, (_, index) =>
    away.includes(index + 1) ? silent(`node${index + 1}`) : voter(`node${index + 1}`, FRAGMENTED),
  );
  return [...members, ...others];
}

export function full(members: MemberObservation[], differences: Partial<Observation> = {}): Observation {
  return observation(members, { alarms: [noSpace('node1')], ...differences });
}
