import { type Fields, fieldsOf } from '../core/runbook/step-run.ts';
import type { IncidentReport } from './incident-report.ts';

type Loss = IncidentReport['loss'];

export interface EndedRunbook {
  runbook: string;
  dryRun: boolean;
  /** Undefined where it has none: it failed, or runs. */
  output: Fields | undefined;
}

/** What is lost of the writes that were acknowledged: only a recovery puts other data in the place of a cluster's. */
export function lossOf(runbooks: readonly EndedRunbook[]): Loss {
  const recoveries = runbooks.filter(({ runbook }) => runbook === 'quorum-recovery');
  const acted = recoveries.findLast(({ dryRun }) => !dryRun);
  const last = acted ?? recoveries.at(-1);
  if (!last) {
    return {
      ...{ atMostWrites: 0, keptRevision: null },
      explanation:
        'No runbook of this remediation put older data in the place of newer. Nothing that etcd had acknowledged is lost by it.',
    };
  }
  const { atMostWrites, keptRevision, explanation } = fieldsOf(last.output?.loss);
  if (typeof explanation === 'string') {
    return {
      atMostWrites: typeof atMostWrites === 'number' ? atMostWrites : null,
      keptRevision: typeof keptRevision === 'string' ? keptRevision : null,
      explanation: last.dryRun ? `If the plan is carried out: ${explanation}` : explanation,
    };
  }
  if (last.output?.outcome === 'NothingToDo') {
    return { atMostWrites: 0, keptRevision: null, explanation: 'The quorum was there: no data was restored.' };
  }
  return {
    ...{ atMostWrites: null, keptRevision: null },
    explanation: 'The recovery ended before it knew what is lost. The data that was there before is kept on each host.',
  };
}
