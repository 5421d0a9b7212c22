import * as z from 'zod';

/** Over how long something has to be seen, in several readings, before anything is changed: readings of one moment are one reading. */
export function confirmSeconds(usual: number) {
  const tooSoon = 'must be 1 or more, for what is seen at one moment only may pass';
  return z.int().min(1, { error: tooSoon }).max(3600, { error: 'must be at most 3600' }).default(usual);
}

/** What starts an execution of an incident's runbook: `{"cluster":"orders"}` and optionally the rest. */
export function inputOf<Name extends string, Fields extends z.ZodRawShape>(incident: Name, fields: Fields) {
  const { cluster, ...more } = anyInput.shape;
  return z.strictObject({ cluster, incident: z.literal(incident).default(incident), ...more, ...fields });
}

/** What every start may say, whichever runbook it is for. */
export const anyInput = z.strictObject({
  cluster: z.string({ error: 'must be the name of a cluster in clusters.json' }).min(1),
  dryRun: z.boolean().default(false),
  reason: z.string().max(1024, { error: 'must be at most 1024 characters' }).default(''),
  requestedBy: z.string().max(256, { error: 'must be at most 256 characters' }).default(''),
});
