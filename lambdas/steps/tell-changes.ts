import { type ToldChanges, tellChangesInput } from '../../core/contracts/membership.ts';
import { parse } from '../../core/contracts/parse.ts';
import { tellChanges } from '../../core/decisions/told-changes.ts';

/** The error that stops a replacement, with what was changed before it. */
export async function handler(event: unknown): Promise<ToldChanges> {
  const input = parse(tellChangesInput, event, "The step's input");
  return { error: input.error, cause: tellChanges(input) };
}
