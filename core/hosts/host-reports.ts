import { HostCommandFailed } from '../errors.ts';
import { firstLine } from '../text/format.ts';
import type { HostReport, HostReports } from './run-host-commands.ts';

/** So that the problems of all hosts, and what follows from them, fit into the execution's cause of 32,768 characters. */
const PROBLEM_CHARS = 2_000;
/**
 * Step Functions takes 262,144 bytes from a state. A host prints at most 24,000, so that seven fit; the rest is for what the state says besides.
 * https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
const REPORTS_BYTES = 200_000;

/** Of a problem, in the summary. */
const SUMMARY_CHARS = 500;

/** How a command has ended on one host. */
export type CommandEnd =
  | { result: unknown }
  /** `done`: what it had changed before, where its script says so. */
  | { error: Pick<Error, 'name' | 'message'>; done?: unknown };

/**
 * What a step reports of the commands of a phase. Where it would be more than a state may have, the largest result is reported as a failure, and the
 * next, until it fits.
 * @param summaryOf a result in a few words
 */
export function reportsOf(
  ends: readonly { member: string; host: string; end: CommandEnd }[],
  summaryOf: (result: unknown) => string,
): HostReports {
  const reports = ends.map(({ member, host, end }): HostReport => {
    const { name = '', message = '' } = 'error' in end ? end.error : {};
    const result = 'error' in end ? (end.done ?? null) : end.result;
    return { member, host, result, error: name, problem: message.slice(0, PROBLEM_CHARS) };
  });
  const sizes = reports.map((report) => Buffer.byteLength(JSON.stringify(report)));
  let total = sizes.reduce((sum, size) => sum + size, 0);
  const largestFirst = [...sizes.entries()].toSorted(([, one], [, other]) => other - one);
  for (const [index, size] of largestFirst) {
    if (total <= REPORTS_BYTES) break;
    const { member, host } = reports[index] as HostReport;
    const { name, message } = new HostCommandFailed(
      `${host}: the command's result has ${size} bytes. With those of the other hosts it is more than a workflow can hold. ` +
        'The command has ended well. With AWS, its output is in the history of Run Command.',
    );
    const report: HostReport = { member, host, result: null, error: name, problem: message };
    reports[index] = report;
    total += Buffer.byteLength(JSON.stringify(report)) - size;
  }
  const failures = reports.filter(({ error }) => error !== '');
  return {
    reports,
    failed: failures[0]?.error ?? '',
    problems: failures.map(({ member, problem }) => `${member}: ${problem}`).join('\n'),
    ...summarize(reports, summaryOf),
  };
}

function summarize(
  reports: readonly HostReport[],
  summaryOf: (result: unknown) => string,
): Pick<HostReports, 'lines' | 'summary'> {
  const alike = Map.groupBy(reports, ({ result, error, problem }) =>
    error === '' ? summaryOf(result) : `${error}: ${firstLine(problem).slice(0, SUMMARY_CHARS)}`,
  );
  const lines = [...alike].map(([summary, same]) => ({
    members: [...new Set(same.map(({ member }) => member))].join(', '),
    summary,
    failed: same.some(({ error }) => error !== ''),
  }));
  return { lines, summary: lines.map(({ members, summary }) => `${members}: ${summary || 'done'}`).join('\n') };
}
