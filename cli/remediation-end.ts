import type { Cluster } from '../core/cluster/clusters.ts';
import type { Diagnosis } from '../core/diagnosis/diagnosis.ts';
import type { RemediationReport } from '../core/remediation/remediation-report.ts';
import type { NextRunbook } from '../core/remediation/remediation-steps.ts';
import type { ExecutionResult } from '../local/asl/execution.ts';
import { describeDiagnosis } from './diagnosis-report.ts';
import type { FileFlags } from './files.ts';
import { describeReport, type RunReport, shortSummary } from './report.ts';

/** What was seen on the way. */
interface Seen {
  diagnosis: Diagnosis | undefined;
  next: NextRunbook | undefined;
}

interface End {
  /** For `--json`. */
  result: { outcome: string; cluster: string; incident: string; runbook: string; report: unknown };
  /** For a person; the first follows the outcome. */
  lines: string[];
}

/** How a remediation ended, for a person and for a program. */
export function describeEnd(
  execution: ExecutionResult,
  seen: Seen,
  about: { cluster: Cluster; files: FileFlags },
): End {
  const runbook = seen.next && 'runbook' in seen.next ? seen.next : undefined;
  const what = {
    cluster: about.cluster.name,
    incident: runbook?.incident ?? seen.diagnosis?.incident ?? '',
    runbook: runbook?.runbook ?? '',
  };
  if (execution.status !== 'SUCCEEDED') {
    const { error, cause, status } = execution;
    const { diagnosis } = seen;
    const report = { error, cause, ...(diagnosis && { diagnosis }) };
    // What a runbook failed with is whole, and ends with what was undone; without one, the diagnosis is all that there is.
    const evidence = !runbook && diagnosis ? describeDiagnosis(about.cluster, diagnosis, about.files) : [];
    return { result: { outcome: error || status, ...what, report }, lines: [cause, ...evidence] };
  }
  const report = execution.output as unknown as RemediationReport;
  const { outcome } = report;
  if (outcome === 'AlreadyInProgress') return { result: { outcome, ...what, report }, lines: [report.summary] };
  const last = report.rounds.at(-1);
  const result = { outcome, ...what, ...(last && { incident: last.incident, runbook: last.runbook }), report };
  if (!last) {
    return {
      result,
      lines: [
        'No incident was found.',
        ...describeDiagnosis(about.cluster, report.diagnosis as Diagnosis, about.files),
      ],
    };
  }
  const [only, ...others] = report.rounds;
  const lines =
    only && others.length === 0
      ? [shortSummary(only.report as RunReport), ...describeReport(only.report as RunReport)]
      : [
          `${report.rounds.length} runbooks, one after the other:`,
          ...report.rounds.flatMap((round) => [
            `  ${round.incident}: ${round.outcome}. ${shortSummary(round.report as RunReport)}`,
            ...describeReport(round.report as RunReport).map((line) => `  ${line}`),
          ]),
        ];
  const remaining =
    outcome !== 'Planned' && report.remaining.length > 0 ? [`  Still wrong: ${report.remaining.join(', ')}`] : [];
  return { result, lines: [...lines, ...remaining] };
}
