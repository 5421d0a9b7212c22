import type { SoFar } from '../runbook/step-run.ts';
import { RUNBOOKS } from '../runbooks.ts';
import { changesSoFar } from './changes-so-far.ts';

/** In what state a runbook leaves the cluster that is stopped here; empty where it has changed nothing. */
export function standingSoFar(soFar: SoFar): string {
  const changes = changesSoFar(soFar.runs);
  if (changes.done.length + changes.perhaps.length === 0) return '';
  const stopped = Object.values(RUNBOOKS).find(({ runbook }) => runbook === soFar.runbook);
  return stopped?.leavesBehind(soFar, changes) ?? '';
}
