import type { RemediationReport, Round } from '../core/remediation/remediation-report.ts';
import { describeReport, type RunReport, shortSummary } from './report.ts';

/** The outcomes of a remediation that are successes: `AlreadyInProgress` is not, for nothing came of this one. */
const SUCCESSES: readonly (string | null)[] = ['Remediated', 'NothingToDo', 'Planned'];

export function isSuccess(outcome: string | null): boolean {
  return SUCCESSES.includes(outcome);
}

/** The lines after its outcome and summary: what each runbook did or would do, who approved of it, and what is left. */
export function describeRemediation(report: RemediationReport): string[] {
  if (report.outcome === 'AlreadyInProgress') return [];
  const { reason, requestedBy, rounds, approvals, remaining } = report;
  return [
    ...(requestedBy || reason ? [`  Requested${requestedBy && ` by ${requestedBy}`}${reason && `: ${reason}`}`] : []),
    ...rounds.flatMap((round) => describeRound(round)),
    ...approvals.map(
      ({ incident, decision, by, reason, at }) =>
        `  ${decision === 'approve' ? 'Approved' : 'Rejected'} for ${incident} at ${at} by ${by}${reason && `: ${reason}`}`,
    ),
    ...(remaining.length > 0 ? [`  Still wrong: ${remaining.join(', ')}`] : []),
  ];
}

function describeRound({ incident, runbook, outcome, report }: Round): string[] {
  // What is left over is what the whole remediation has left over.
  const { remaining: _, ...own } = report as RunReport;
  return [
    `  ${runbook} (${incident}): ${outcome}. ${shortSummary(own)}`,
    ...describeReport(own).map((line) => `  ${line}`),
  ];
}
