import { chooseRunbook } from '../../core/remediation/choose-runbook.ts';
import { type ChooseRunbook, chooseRunbookInput, type NextRunbook } from '../../core/remediation/remediation-steps.ts';
import { parse } from '../../core/text/parse.ts';
import { logMetrics } from '../embedded-metrics.ts';
import { requireAlone } from '../executions.ts';

/**
 * Decides which runbook is next, from a diagnosis; and that no other is at work: one of a remediation that was stopped a moment ago, or one that
 * someone has started by itself, which takes no lock.
 */
export async function handler(event: unknown): Promise<NextRunbook> {
  const input = parse(chooseRunbookInput, event, "The step's input");
  const next = chooseRunbook(input);
  if (isAsked(next, input)) {
    logMetrics([{ dimensions: { cluster: input.cluster.name }, values: { ApprovalWanted: 1 } }]);
  }
  // A dry run changes nothing; what follows it comes by here again.
  if (next.action === 'Run' && next.input.dryRun !== true) {
    await requireAlone(input.cluster.name, { seenSinceMs: Date.parse(input.enteredAt) });
  }
  return next;
}

/** Whether a person is asked next, or still: nobody has wanted a dry run, and yet there is one. */
function isAsked(next: NextRunbook, { request }: ChooseRunbook): boolean {
  return next.action === 'Ask' || (next.action === 'Run' && next.input.dryRun === true && !request.dryRun);
}
