import { APPROVED_PLAN, type Runbook, type Seen } from '../runbook/runbook.ts';
import { commandOf, fieldsOf, listOf, type SoFar } from '../runbook/step-run.ts';
import { parse } from '../text/parse.ts';
import { approvedRecovery, type QuorumParameters, quorumInput } from './contracts.ts';
import { describeLostQuorum } from './lost-quorum.ts';
import { isQuorumUnjudged } from './quorum-assessment.ts';

/** From no leader to a healthy cluster, losing as little as what is left allows. */
export const quorumRecovery = {
  incident: 'quorum-lost',
  runbook: 'quorum-recovery',
  stateMachineName: 'etcd-remediation-quorum-recovery',
  input: quorumInput,
  needsHosts: true,
  movesSnapshots: true,
  policy: 'approval',
  neverWaits: '',
  acts: {
    'force-backup': {
      description: 'to restore a backup even where newer data is left',
      isRequestedBy: ({ snapshot }: QuorumParameters) => snapshot?.force === true,
    },
    'fewer-members': {
      description: 'to recover without members whose hosts or data cannot be reached',
      isRequestedBy: ({ acceptFewerMembers }: QuorumParameters) => acceptFewerMembers,
    },
  },
  // A recovery that was cut off may have changed which data is the newest.
  asksAnewAfterFailure: true,
  wayOn: 'first finishes this recovery, or undoes it',
  alarms: {
    'quorum-lost': {
      problem: 'has no quorum: writes fail.',
      metric: 'HasLeader',
      limit: { below: 1 },
      minutes: 3,
      pages: true,
    },
  },
  steps: {
    'assess-quorum': { runsIn: 'etcd' },
    'choose-recovery': { runsIn: 'decisions' },
    'wait-for-quorum': { runsIn: 'etcd' },
    'find-recovery-backup': { runsIn: 'backups' },
    'plan-recovery': { runsIn: 'decisions' },
    // What is staged is in a bucket, and goes by itself.
    'stage-snapshot': { runsIn: 'transfers' },
    'verify-recovery': { runsIn: 'etcd' },
  },

  present: ({ cluster, evidence, view }: Seen) =>
    view.hasQuorum || isQuorumUnjudged(cluster, evidence, view) ? undefined : describeLostQuorum(cluster, evidence),

  heldTo(plan) {
    const { winner, leftOut } = parse(approvedRecovery, plan, APPROVED_PLAN);
    const limit = winner ? { atLeastRevision: winner.revision } : { restoreNothing: true };
    return { ...limit, leaveOutOnly: leftOut.map(({ member }) => member) };
  },

  // Only hosts know of it, which a diagnosis does not ask.
  advice: () => ['If an earlier recovery was interrupted, this runbook finishes it first.'],

  leavesBehind({ runs }: SoFar) {
    let standing: keyof typeof STANDINGS = 'untouched';
    for (const run of runs) {
      const command = commandOf(run);
      const sent = listOf(fieldsOf(run.input).commands).map(({ parameters }) => fieldsOf(parameters));
      const isSent = (what: string) => sent.some(({ action, outcome, data }) => [action, outcome, data].includes(what));
      if (command === 'swap-data-dir') standing = isSent('swap') ? 'placed' : 'stopped';
      else if (command === 'control-service' && standing === 'stopped') standing = 'untouched';
      else if (command === 'start-restored') standing = 'kept';
      else if (command === 'revert-data-dir') standing = 'returning';
      else if (command === 'mark-recovery' && isSent('commit')) standing = 'kept';
      // It is removed where the data is in its own place.
      else if (command === 'mark-recovery' && isSent('undo')) standing = 'untouched';
    }
    const isLed = fieldsOf(runs.findLast(({ step }) => step === 'wait-for-quorum')?.output).led === true;
    return standing === 'untouched' && !isLed ? `${STANDINGS.untouched} ${LOST}` : STANDINGS[standing];
  },
} as const satisfies Runbook;

const LOST = 'The quorum is still lost: no member takes writes.';

/** From the first command on that touches what a member has in place, a recovery is at one of these. */
const STANDINGS = {
  untouched: 'The data of every member is as it was.',
  stopped: `Services may be stopped, and the data of every member is as it was. ${LOST}`,
  placed: `Services may be stopped, and restored data may be in place on some hosts and not on others. ${LOST} Start no etcd by hand.`,
  returning: `Data was being moved back into its place. ${LOST} Start no etcd by hand.`,
  kept: 'The restored data is in place on every host, and stays there. Services may be stopped still.',
};
