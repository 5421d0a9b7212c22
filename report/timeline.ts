import { STILL_RUNNING } from '../core/hosts/run-host-commands.ts';
import { commandOf, fieldsOf, listOf } from '../core/runbook/step-run.ts';
import { firstLine } from '../core/text/format.ts';
import type { TimelineEntry } from './incident-report.ts';
import type { StateRun } from './state-runs.ts';

/** That a condition of DynamoDB does not hold is an answer: the lock is not free. */
const ANSWER = /ConditionalCheckFailedException$/;

/** What ran when, a line each. @param runbook whose states these are; empty for the workflow around the runbooks */
export function timelineOf(runs: readonly StateRun[], runbook: string): TimelineEntry[] {
  return runs.map((run) => ({
    state: run.state,
    runbook,
    kind: kindOf(run),
    startedAt: run.startedAt.toISOString(),
    endedAt: run.endedAt?.toISOString() ?? null,
    members: membersOf(run),
    attempts: run.attempts,
    retriedFor: retriesOf(run).map(({ error }) => error),
    error: errorOf(run),
    summary: summaryOf(run),
  }));
}

function kindOf(run: StateRun): TimelineEntry['kind'] {
  if (run.isWait) return 'wait';
  if (run.startedExecution !== '' || run.resource.startsWith('startExecution')) return 'runbook';
  if (run.resource.endsWith('waitForTaskToken')) return 'approval';
  if (run.step !== '') return commandOf(run) ? 'hosts' : 'step';
  return run.resource.startsWith('publish') ? 'page' : 'record';
}

function membersOf(run: StateRun): string[] {
  const { member, commands } = fieldsOf(run.input);
  if (typeof member === 'string' && member !== '') return [member];
  return [...new Set(listOf(commands).map((each) => String(each.member)))];
}

/** Each failure but the one that it ended with. */
function retriesOf({ failures, error }: StateRun): StateRun['failures'] {
  const real = failures.filter((each) => each.error !== STILL_RUNNING);
  return error === '' ? real : real.slice(0, -1);
}

function errorOf({ error, endedAt, failures, step }: StateRun): string {
  if (ANSWER.test(error) || error === STILL_RUNNING) return '';
  // While a person is waited for, the question is put again and again.
  if (error === 'States.Timeout' && step === '' && endedAt !== null && failures.at(-1)?.cause === '') return '';
  return error;
}

function summaryOf(run: StateRun): string {
  const failure = run.failures.at(-1);
  if (run.error !== '' && failure) return ANSWER.test(run.error) ? 'It is not free.' : firstLine(failure.cause);
  const { summary = fieldsOf(run.output).summary } = fieldsOf(run.stateOutput);
  return typeof summary === 'string' ? summary : '';
}
