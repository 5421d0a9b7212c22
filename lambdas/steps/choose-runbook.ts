import { parse } from '../../core/contracts/parse.ts';
import { chooseRunbookInput, type NextRunbook } from '../../core/contracts/remediation-steps.ts';
import { chooseRunbook } from '../../core/decisions/choose-runbook.ts';
import { requireAlone } from '../executions.ts';

/**
 * Decides which runbook is next, from a diagnosis; and that no other is at work: one of a remediation that was stopped a moment ago, or one that
 * somebody has started by itself, which takes no lock.
 */
export async function handler(event: unknown): Promise<NextRunbook> {
  const input = parse(chooseRunbookInput, event, "The step's input");
  const next = chooseRunbook(input);
  if (next.action === 'Run') await requireAlone(input.cluster.name);
  return next;
}
