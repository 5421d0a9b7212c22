import { type Fields, fieldsOf, listOf } from '../core/runbook/step-run.ts';
import { isIncident } from '../core/runbooks.ts';
import type { NextStep, OldData } from './incident-report.ts';

/** How a person goes on, typed where the remediation ran. */
export interface Commands {
  diagnose(cluster: string): string;
  /** @param incident empty for whatever a diagnosis finds */
  remediate(cluster: string, incident: string): string;
}

export interface Ending {
  cluster: string;
  outcome: string;
  status: 'SUCCEEDED' | 'RUNNING' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';
  remaining: readonly string[];
  oldData: readonly OldData[];
  /** What the runbooks have ended with. */
  outputs: readonly Fields[];
  /** What the last diagnosis warns of. */
  warnings: readonly string[];
  /** In what state a runbook that failed has left the cluster; empty where there is nothing to say. */
  standing: string;
}

/** What to do now, the most urgent first. @param commands undefined where the cluster is gone, as after a drill */
export function nextSteps(ending: Ending, commands: Commands | undefined): NextStep[] {
  const { cluster, remaining, oldData, outputs, warnings, standing } = ending;
  const say = (text: string, command = ''): NextStep => ({ text, command });
  const again = (incident = '') => commands?.remediate(cluster, incident) ?? '';
  const textsOf = (field: string) =>
    outputs.map((output) => output[field]).filter((text) => typeof text === 'string' && text);
  const steps = [
    ...(standing === '' ? [] : [say(standing)]),
    ...afterEnd(ending, say, again),
    ...remaining.map((condition) =>
      isIncident(condition)
        ? say(`Still wrong: ${condition}. A runbook remediates it.`, again(condition))
        : say(
            `Still wrong: ${condition}. No runbook remediates it: a person has to look.`,
            commands?.diagnose(cluster),
          ),
    ),
    ...outputs.flatMap((output) =>
      listOf(output.leftOut).map(({ member, problem }) => say(`${member} was left out: ${problem}`)),
    ),
    ...textsOf('scratchLeft').map((text) => say(`Scratch folders are left, which hold copies of the data: ${text}`)),
    ...textsOf('advice').map((text) => say(`So that it does not happen again: ${text}`)),
    ...warnings.map((text) => say(text)),
    ...(oldData.length > 0
      ? [say('Old data is kept aside on hosts. Once you do not need it any more, remove it with the commands below.')]
      : []),
  ];
  return steps.length > 0 ? steps : [say('Nothing.')];
}

function afterEnd(
  { outcome, status, cluster }: Ending,
  say: (text: string, command?: string) => NextStep,
  again: () => string,
): NextStep[] {
  if (status === 'RUNNING') return [say('It still runs. Make this report again once it has ended.')];
  if (outcome === 'Planned') return [say('Nothing was changed: this was a dry run. To carry out the plan:', again())];
  if (outcome === 'AlreadyInProgress') return [say(`Follow the remediation that runs for the cluster ${cluster}.`)];
  if (outcome.startsWith('Approval')) return [say('Nothing was changed. To ask again:', again())];
  if (status !== 'SUCCEEDED') {
    return [
      say(
        'Correct what the error says, and start again: the next remediation looks again and goes on from here.',
        again(),
      ),
    ];
  }
  return [];
}

/** The warnings of a diagnosis. */
export function warningsIn(diagnosis: unknown): string[] {
  return listOf(fieldsOf(diagnosis).warnings).map(({ message }) => String(message));
}
