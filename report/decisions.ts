import { commandOf, type Fields, fieldsOf, listOf } from '../core/runbook/step-run.ts';
import { formatBytes } from '../core/text/format.ts';
import type { Decision } from './incident-report.ts';
import type { StateRun } from './state-runs.ts';

/** Words by which a step says what is to follow. */
const WORDS = ['incident', 'verdict', 'action', 'outcome'] as const;
/** Steps that do something: what they say is in the timeline. */
const DECIDES = /^(diagnose|assess|choose|find|plan|weigh|verify|compare)-/;

/** What was decided, and what it was seen by. */
export function decisionsIn(runs: readonly StateRun[], runbook: string): Decision[] {
  return runs.flatMap((run) => {
    if (!DECIDES.test(run.step) || run.output === undefined || commandOf(run)) return [];
    const output = fieldsOf(run.output);
    const word = WORDS.map((field) => output[field]).find((value) => typeof value === 'string');
    return [
      {
        at: (run.endedAt ?? run.startedAt).toISOString(),
        runbook,
        step: run.step,
        decision: typeof word === 'string' ? word : '',
        summary: textOf(output.summary),
        evidence: evidenceIn(output),
      },
    ];
  });
}

function evidenceIn(output: Fields): string[] {
  return [
    ...listOf(output.members).map(describeMember),
    ...listOf(output.ladder).map(
      ({ rung, serves, why }) => `${textOf(rung)}: ${serves ? 'serves' : 'does not serve'}. ${textOf(why)}`,
    ),
    ...listOf(output.candidates).map(describeCandidate),
    ...listOf(output.backups).map(describeBackup),
    ...listOf(output.leftOut).map(({ member, problem }) => `left out: ${textOf(member)} ${textOf(problem)}`),
    ...listOf(output.warnings).map(({ message }) => textOf(message)),
    ...listOf(output.hosts).flatMap(({ host, problem }) =>
      textOf(problem) === '' ? [] : [`host ${textOf(host)}: ${textOf(problem)}`],
    ),
  ].filter((line) => line !== '');
}

/** Each kind of step tells something else of a member, and all of them its name. */
function describeMember({ name, state, standing, facts, problem, dbSizeBytes, quotaBytes }: Fields): string {
  const size =
    typeof dbSizeBytes === 'number'
      ? `database ${formatBytes(dbSizeBytes)}${typeof quotaBytes === 'number' ? ` of ${formatBytes(quotaBytes)}` : ''}`
      : '';
  const parts = [textOf(state), textOf(standing), textOf(facts) || textOf(problem), size].filter((text) => text !== '');
  return parts.length === 0 ? '' : `${textOf(name)}: ${parts.join(', ')}`;
}

function describeCandidate({ member, source, revision, totalKeys, note }: Fields): string {
  const what = `could be restored: ${textOf(source)} of ${textOf(member)}, revision ${textOf(revision)}, ${textOf(totalKeys)} keys`;
  return textOf(note) === '' ? what : `${what} (${textOf(note)})`;
}

function describeBackup({ name, revision, givenUp, obstacle }: Fields): string {
  const less = typeof givenUp === 'string' ? `, ${givenUp} writes would be given up with it` : '';
  const why = textOf(obstacle) === '' ? '' : ` (${textOf(obstacle)})`;
  return `backup ${textOf(name)}: revision ${textOf(revision)}${less}${why}`;
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
