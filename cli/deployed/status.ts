import { Remediations } from '../../client/remediations.ts';
import type { PendingApproval, Remediation } from '../../core/api/api.ts';
import { firstLine } from '../../core/text/format.ts';
import { explainedAt } from '../error-entry.ts';
import { formatMs } from '../format.ts';
import { type Output, openOutput } from '../output.ts';
import { describeRemediation, isSuccess } from '../remediation-report.ts';
import { describeReport, type RunReport, shortSummary } from '../report.ts';
import { withDeployment } from './connection.ts';
import { type DeployedFlags, typedNext } from './flags.ts';

/** `etcd-remediation status`: where a remediation is, or what came of it. */
export async function status(id: string, flags: DeployedFlags): Promise<void> {
  const output = openOutput(flags.json);
  const remediation = await withDeployment(flags, (deployment) => new Remediations(deployment).describe(id));
  finishWith(remediation, { flags, output });
}

/** Ends a command with a remediation. The process ends with 1 where it has ended and not well. */
export function finishWith(
  remediation: Remediation,
  { flags, output }: { flags: DeployedFlags; output: Output },
): void {
  const hasFailed = remediation.endedAt !== null && !isSuccess(remediation.outcome);
  const explained = hasFailed ? explainedAt([remediation.outcome ?? remediation.status]) : [];
  output.finish(remediation, [...describeStatus(remediation, flags), ...explained]);
  if (hasFailed) process.exitCode ??= 1;
}

/** What is asked, with the plan, and how to answer. */
export function describeQuestion(
  { id }: { id: string },
  { id: approval, incident, runbook, summary, plan, expiresAt }: PendingApproval,
  flags: DeployedFlags,
): string[] {
  const report = plan as RunReport;
  const answer = (decision: string, ...reason: string[]) =>
    typedNext(flags, decision, id, '--approval', approval, ...reason);
  return [
    `It waits for an approval until ${expiresAt}. Without an approval it does none of this. Meanwhile it remediates what needs none.`,
    `  ${incident}: ${summary}`,
    // Most often what it would do begins with what is wrong, which was just told.
    `  ${runbook} would do this:${summary.startsWith(report.summary) ? '' : ` ${shortSummary(report)}`}`,
    ...describeReport(report).map((line) => `  ${line}`),
    `  To answer: ${answer('approve')}`,
    `             ${answer('reject', '--reason', 'WHY')}`,
  ];
}

function describeStatus(remediation: Remediation, flags: DeployedFlags): string[] {
  const { id, cluster, status, startedAt, endedAt, approval, outcome, progress } = remediation;
  const title = `Remediation ${id} of ${cluster ? `the cluster ${cluster}` : 'no cluster'}`;
  if (endedAt === null) {
    const last = progress.at(-1);
    const where = last && `${last.state}${last.runbook ? ` (${last.runbook})` : ''}, since ${last.at}`;
    const done = progress.findLast(({ summary }) => summary !== undefined);
    return [
      `${title}: ${status}, since ${startedAt}`,
      ...(done
        ? [`Last done: ${done.state}${done.runbook ? ` (${done.runbook})` : ''}: ${firstLine(done.summary ?? '')}`]
        : []),
      ...(where ? [`It is at: ${where}`] : []),
      ...(approval ? describeQuestion(remediation, approval, flags) : []),
    ];
  }
  const tookMs = Date.parse(endedAt) - Date.parse(startedAt);
  return [
    `${title}: ${outcome} in ${formatMs(tookMs)}. ${summaryOf(remediation)}`,
    ...linesOfEnd(remediation, flags),
    ...linesOfReport(remediation, flags),
  ];
}

/** Of one that only found another at work there is none. */
function linesOfReport({ id, reportAt, outcome }: Remediation, flags: DeployedFlags): string[] {
  if (reportAt === null || outcome === 'AlreadyInProgress') return [];
  return [`Report: ${typedNext(flags, 'report', id, '--deployed')}, or ${reportAt.page}`];
}

/** A failure's cause is reported whole: it ends with what was undone, and nothing else says so. */
function summaryOf({ report, error, cause, status }: Remediation): string {
  if (report !== null && status === 'SUCCEEDED') return report.summary;
  return cause ?? error ?? '';
}

function linesOfEnd({ report, status }: Remediation, flags: DeployedFlags): string[] {
  if (report === null || status !== 'SUCCEEDED') return [];
  if (report.outcome !== 'AlreadyInProgress') return describeRemediation(report);
  const { remediation } = report.holder;
  return remediation === '' ? [] : [`  Follow that one: ${typedNext(flags, 'watch', remediation)}`];
}
