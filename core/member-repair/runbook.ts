import { refuseUnsafeAlarms } from '../cluster/cluster-health.ts';
import { UnsafeToProceed } from '../errors.ts';
import { memberReplacement } from '../member-replacement/runbook.ts';
import { APPROVED_PLAN, type Runbook, type Seen } from '../runbook/runbook.ts';
import { listOf } from '../runbook/step-run.ts';
import { parse } from '../text/parse.ts';
import { approvedRepair, repairInput } from './contracts.ts';
import { tableOf } from './judge-hashes.ts';

/** A member whose data differ from those of a majority is replaced by one that copies them. */
export const memberRepair = {
  incident: 'data-corrupt',
  runbook: 'member-repair',
  stateMachineName: 'etcd-remediation-member-repair',
  input: repairInput,
  needsHosts: true,
  movesSnapshots: false,
  policy: 'approval',
  neverWaits: '',
  acts: {},
  asksAnewAfterFailure: false,
  wayOn: 'compares the members again, and goes on from here',
  alarms: {
    'data-corrupt': {
      problem: 'has raised CORRUPT, or an alarm that is not known: it refuses every write.',
      metric: 'Corrupt',
      limit: { atLeast: 1 },
      // etcd raises it by consensus, and it stays until someone disarms it.
      minutes: 1,
      pages: true,
    },
  },
  steps: {
    'assess-data': { runsIn: 'etcd-long' },
    'disarm-corruption': {
      runsIn: 'etcd-long',
      changes: (_, output) => (!output || listOf(output.disarmed).length > 0 ? ['CORRUPT was disarmed'] : []),
    },
  },

  /** By etcd's word, or by hashes that differ. Which member it is, the runbook finds out, which asks more than once. */
  present({ evidence }: Seen) {
    const differ = differing(evidence.hashes);
    const raised = describeRaised(evidence);
    return [raised, differ].filter((text) => text !== '').join('\n') || undefined;
  },

  heldTo(plan) {
    const { targets, removeIds } = parse(approvedRepair, plan, APPROVED_PLAN);
    return { onlyMembers: targets, removeOnly: removeIds };
  },

  advice: () => [],

  leavesBehind: memberReplacement.leavesBehind,
} as const satisfies Runbook;

function describeRaised(evidence: Seen['evidence']): string {
  try {
    refuseUnsafeAlarms(evidence);
    return '';
  } catch (error) {
    if (!(error instanceof UnsafeToProceed)) throw error;
    return error.message;
  }
}

function differing(hashes: Seen['evidence']['hashes']): string {
  if (!hashes || new Set(hashes.hashes.map(({ hash }) => hash)).size <= 1) return '';
  return `Members hold different data at revision ${hashes.revision}:${tableOf(hashes)}`;
}
