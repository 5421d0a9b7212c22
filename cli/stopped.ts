import { authTokenReset, mayBeOpen } from '../core/auth-token-reset/runbook.ts';
import { changesSoFar } from '../core/remediation/changes-so-far.ts';
import { standingSoFar } from '../core/remediation/standing-so-far.ts';
import { executionStartedBy } from '../core/remediation/started-execution.ts';
import { RUNBOOKS } from '../core/runbooks.ts';
import type { Execution, Executions } from '../local/executions.ts';
import { stepRunsIn, variablesIn } from '../report/state-runs.ts';

const GUARD = 'etcd-remediation-authentication-guard';

const NOTHING = 'Nothing was changed.';
const COMES_FIRST = 'Authentication is enabled before this command ends. A second signal would end that as well.';

const SEEN_TO = 'Since then it was made sure that authentication is enabled.';

/**
 * What to print when remediations are stopped: for each its runbook, what it has changed, the state of its cluster, and how to go on.
 * @param again what to do for that, of a cluster: `give the same command again`
 */
export function describeStop(
  remediations: readonly Execution[],
  executions: Pick<Executions, 'find' | 'of'>,
  again: (cluster: string) => string,
): string {
  return [
    ...remediations.flatMap((each) => describeStopped(each, executions, again)),
    ...(mayBeDisabled(executions) ? [COMES_FIRST] : []),
  ].join('\n');
}

/** The same of one that has ended by that, once everything is in order that has to be. */
export function describeAfterStop(
  remediation: Execution,
  executions: Pick<Executions, 'find' | 'of'>,
  again: (cluster: string) => string,
): string {
  const cut = runbooksOf(remediation, executions).findLast(isCut);
  const wasOpen = cut !== undefined && nameOf(cut) === authTokenReset.runbook && mayBeOpen(stepRunsIn(cut.events));
  const leftOpen = describeLeftOpen(executions);
  const lines = describeStopped(remediation, executions, again);
  return [...lines, ...(leftOpen ? [leftOpen] : wasOpen ? [SEEN_TO] : [])].join('\n');
}

function describeStopped(
  remediation: Execution,
  executions: Pick<Executions, 'find'>,
  again: (cluster: string) => string,
): string[] {
  const cluster = clusterOf(remediation);
  const runbooks = runbooksOf(remediation, executions);
  const current = runbooks.findLast(isCut);
  const before = runbooks.filter((each) => each !== current && !isDryRun(each)).flatMap((each) => describeEnded(each));
  if (!current) {
    return [
      `Stopped. No runbook was under way for the cluster ${cluster}.`,
      ...(before.length > 0 ? before : [NOTHING]),
    ];
  }
  const wayOn = Object.values(RUNBOOKS).find(({ runbook }) => runbook === nameOf(current))?.wayOn;
  return [
    `Stopped. The runbook ${nameOf(current)} was under way for the cluster ${cluster}${isDryRun(current) ? ', as a dry run' : ''}.`,
    ...before,
    ...describeSoFar(current),
    ...(hasChanged(current) ? [`To go on, ${again(cluster)}: it ${wayOn}.`] : []),
  ];
}

/** What a second signal leaves undone; empty for nothing. */
export function describeLeftOpen(executions: Pick<Executions, 'of'>): string {
  return mayBeDisabled(executions) ? 'Authentication may be disabled. Enable it by hand: "etcdctl auth enable".' : '';
}

/** Whether authentication may still be disabled by what was stopped. */
function mayBeDisabled(executions: Pick<Executions, 'of'>): boolean {
  const resets = executions.of(authTokenReset.stateMachineName);
  if (!resets.some((reset) => reset.result?.status !== 'SUCCEEDED' && mayBeOpen(stepRunsIn(reset.events))))
    return false;
  const guards = executions.of(GUARD);
  return guards.length === 0 || guards.some(({ result }) => result?.status !== 'SUCCEEDED');
}

/** Whether it was stopped, or is about to be. */
function isCut({ result }: Execution): boolean {
  return result === undefined || result.status === 'ABORTED';
}

/** Those that it has started, oldest first. */
function runbooksOf({ events }: Execution, executions: Pick<Executions, 'find'>): Execution[] {
  return events.flatMap((event) => {
    const arn = executionStartedBy(event);
    const nested = arn === undefined ? undefined : executions.find(arn);
    return nested ? [nested] : [];
  });
}

function describeEnded(execution: Execution): string[] {
  const { result } = execution;
  if (result?.status === 'SUCCEEDED')
    return [`Before this, the runbook ${nameOf(execution)} has ended: ${Object(result.output).outcome}.`];
  return [
    `Before this, the runbook ${nameOf(execution)} has failed (${result?.error || result?.status}).`,
    ...describeSoFar(execution),
  ];
}

function describeSoFar(execution: Execution): string[] {
  const runs = stepRunsIn(execution.events);
  const { done, perhaps } = changesSoFar(runs);
  if (done.length + perhaps.length === 0) return [NOTHING];
  return [
    done.length === 0 ? 'Nothing is known to be changed.' : 'It has changed, in this order:',
    ...done.map((change) => `  - ${change}`),
    ...(perhaps.length > 0 ? ['Under way, so it may or may not be done:'] : []),
    ...perhaps.map((change) => `  - ${change}`),
    standingSoFar({ runbook: nameOf(execution), runs, variables: variablesIn(execution.events) }),
  ].filter((line) => line !== '');
}

function hasChanged({ events }: Execution): boolean {
  const { done, perhaps } = changesSoFar(stepRunsIn(events));
  return done.length + perhaps.length > 0;
}

function isDryRun({ input }: Execution): boolean {
  return Object(input).dryRun === true;
}

function nameOf({ stateMachineName }: Execution): string {
  return (
    Object.values(RUNBOOKS).find((each) => each.stateMachineName === stateMachineName)?.runbook ?? stateMachineName
  );
}

function clusterOf({ input }: Execution): string {
  return String(Object(input).cluster);
}
