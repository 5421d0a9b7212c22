import { type ToldChanges, tellChangesInput } from '../../core/member-replacement/contracts.ts';
import { tellChanges } from '../../core/member-replacement/told-changes.ts';
import { parse } from '../../core/text/parse.ts';

/** The error that stops a replacement, with what was changed before it. */
export async function handler(event: unknown): Promise<ToldChanges> {
  const input = parse(tellChangesInput, event, "The step's input");
  return { error: input.error, cause: tellChanges(input) };
}
