import * as z from 'zod';
import type { Observation } from '../cluster/observation.ts';

/** A member that answers and is replaced all the same, under the ID that it has until then. */
export const condemnedSchema = z.strictObject({
  member: z.string(),
  id: z.string(),
  /** Why, as a sentence about it goes on. */
  problem: z.string(),
});
export type Condemned = z.output<typeof condemnedSchema>;

/**
 * The cluster as a replacement of these has to see it: they have failed. The alarm CORRUPT is then what they are replaced for, and no
 * reason to stop; one of a kind that is not known stays.
 */
export function condemn(observation: Observation, condemned: readonly Condemned[]): Observation {
  const problemOf = (id: string) => condemned.find((each) => each.id === id)?.problem;
  return {
    ...observation,
    alarms: observation.alarms.filter(({ alarm }) => alarm !== 'CORRUPT'),
    members: observation.members.map((seen) => {
      const problem = seen.answering ? problemOf(seen.id) : undefined;
      return problem === undefined ? seen : { ...seen, condemned: problem };
    }),
  };
}
