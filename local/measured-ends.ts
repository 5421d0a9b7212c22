import { backupMade } from '../core/backups/contracts.ts';
import { REHEARSAL_STATE_MACHINE } from '../core/backups/rehearsal.ts';
import type { RehearsalReport } from '../core/rehearsal/contracts.ts';
import { measureEnd } from '../core/rehearsal/settle-rehearsal.ts';
import { metricLines } from '../lambdas/embedded-metrics.ts';
import type { ExecutionResult } from './asl/execution.ts';

/**
 * What is measured of an execution that a schedule has started, as lines of a log. What a function of it writes to its log is not read here: what is
 * measured is told by its end.
 */
export function measuredLines(stateMachineName: string, cluster: string, ended: ExecutionResult): string[] {
  const end = outcomeOf(ended);
  if (stateMachineName === REHEARSAL_STATE_MACHINE) return metricLines(measureEnd(cluster, end));
  return end.outcome === 'BackedUp' ? metricLines([backupMade(cluster)]) : [];
}

/** One that was stopped says nothing of a backup. */
function outcomeOf(end: ExecutionResult): Pick<RehearsalReport, 'rehearsal'> & { outcome: string } {
  if (end.status === 'SUCCEEDED') return end.output as unknown as RehearsalReport;
  return { outcome: end.status === 'FAILED' ? 'Failed' : end.status, rehearsal: null };
}
