import { type ExplainedError, explainChangesInput } from '../../core/member-replacement/contracts.ts';
import { explainChanges } from '../../core/member-replacement/explain-changes.ts';
import { parse } from '../../core/text/parse.ts';

/** The error that stops a replacement, with what was changed before it. */
export async function handler(event: unknown): Promise<ExplainedError> {
  return explainChanges(parse(explainChangesInput, event, "The step's input"));
}
