import { parse } from '../../core/contracts/parse.ts';
import { chooseRunbookInput, type NextRunbook } from '../../core/contracts/remediation-steps.ts';
import { chooseRunbook } from '../../core/decisions/choose-runbook.ts';

/** Decides which runbook is next, from a diagnosis. */
export async function handler(event: unknown): Promise<NextRunbook> {
  return chooseRunbook(parse(chooseRunbookInput, event, "The step's input"));
}
