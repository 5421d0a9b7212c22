import { tellChangesInput } from '../member-replacement/contracts.ts';
import { standingAfter } from '../member-replacement/told-changes.ts';
import { type ChangesSoFar, changesSoFar, commandOf, type StepRun } from './changes-so-far.ts';

export interface SoFar {
  runbook: string;
  runs: readonly StepRun[];
  /** The execution's variables, each as it was assigned last. */
  variables: Readonly<Record<string, unknown>>;
}

/** In what state a runbook leaves the cluster that is stopped here; empty where it has changed nothing. */
export function standingSoFar(soFar: SoFar): string {
  const changes = changesSoFar(soFar.runs);
  if (changes.done.length + changes.perhaps.length === 0) return '';
  switch (soFar.runbook) {
    case 'space-reclaim':
      return ofSpace(soFar, changes);
    case 'member-replacement':
      return ofReplacement(soFar, changes);
    case 'auth-token-reset':
      return mayBeOpen(soFar.runs)
        ? 'Authentication may be disabled now. Whoever reaches the cluster may then read and write everything.'
        : '';
    case 'quorum-recovery':
      return ofRecovery(soFar.runs);
    default:
      return '';
  }
}

/** Whether authentication may be disabled: it was to be disabled and enabled again, and nobody has heard that it was. */
export function mayBeOpen(runs: readonly StepRun[]): boolean {
  const last = runs.findLast(({ step, output }) => step === 'toggle-authentication' || (isEnabling(step) && output));
  return last?.step === 'toggle-authentication' && last.output === undefined && last.error !== 'PreconditionFailed';
}

function isEnabling(step: string): boolean {
  return step === 'enable-authentication';
}

function ofSpace({ runs, variables }: SoFar, { done }: ChangesSoFar): string {
  const last = runs.at(-1);
  const isFull = listOf(fieldsOf(variables.assessment).alarms).length > 0 && !done.includes('NOSPACE was disarmed');
  return [
    'No member was stopped.',
    last?.step === 'defragment-member' && last.output === undefined
      ? `etcd ends a defragmentation that it has begun: until then ${fieldsOf(last.input).member} answers nobody.`
      : '',
    isFull ? 'NOSPACE is still raised: etcd refuses writes.' : '',
  ]
    .filter((sentence) => sentence !== '')
    .join(' ');
}

/** With what was under way, and without it: nobody has heard which of the two it is. */
function ofReplacement({ variables: { plan, changes, next } }: SoFar, { perhaps }: ChangesSoFar): string {
  const { cluster, targets } = fieldsOf(plan);
  const standing = (those: unknown[]) => {
    const request = tellChangesInput.safeParse({ error: '', cause: '', cluster, targets, changes: those });
    return request.success ? standingAfter(request.data).standing : '';
  };
  const known = listOf(changes);
  const now = standing([...known]);
  if (now === '') return '';
  const then = perhaps.length > 0 ? standing([...known, ...madeBy(fieldsOf(next))]) : '';
  return then === '' || then === now ? `Now ${now}` : `Now ${now} If what was under way was done as well: ${then}`;
}

/** What the next thing to do changes where all of it is done. */
function madeBy({ action, member, id, commands }: Readonly<Record<string, unknown>>): unknown[] {
  if (commands === undefined) return [{ action, member, id }];
  const result = action === 'JoinCluster' ? { activeState: 'active' } : undefined;
  return listOf(commands).map(({ member, host }) => ({ action, member, host, result }));
}

const LOST = 'The quorum is still lost: no member takes writes.';

/** From the first command on that touches what a member has in place, a recovery is at one of these. */
const STANDINGS = {
  untouched: 'The data of every member is as it was.',
  stopped: `Services may be stopped, and the data of every member is as it was. ${LOST}`,
  placed: `Services may be stopped, and restored data may be in place on some hosts and not on others. ${LOST} Start no etcd by hand.`,
  returning: `Data was being moved back into its place. ${LOST} Start no etcd by hand.`,
  kept: 'The restored data is in place on every host, and stays there. Services may be stopped still.',
};

function ofRecovery(runs: readonly StepRun[]): string {
  let standing: keyof typeof STANDINGS = 'untouched';
  for (const run of runs) {
    const command = commandOf(run);
    const asked = listOf(fieldsOf(run.input).commands).map(({ parameters }) => fieldsOf(parameters));
    const isAsked = (what: string) => asked.some(({ action, outcome, data }) => [action, outcome, data].includes(what));
    if (command === 'swap-data-dir') standing = isAsked('swap') ? 'placed' : 'stopped';
    else if (command === 'control-service' && standing === 'stopped') standing = 'untouched';
    else if (command === 'start-restored') standing = 'kept';
    else if (command === 'revert-data-dir') standing = 'returning';
    else if (command === 'discard-scratch' && isAsked('commit')) standing = 'kept';
    // It is removed where the data is in its own place.
    else if (command === 'discard-scratch' && isAsked('undo')) standing = 'untouched';
  }
  const isLed = fieldsOf(runs.findLast(({ step }) => step === 'wait-for-quorum')?.output).led === true;
  return standing === 'untouched' && !isLed ? `${STANDINGS.untouched} ${LOST}` : STANDINGS[standing];
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return Object(value) as Record<string, unknown>;
}

function listOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value : [];
}
