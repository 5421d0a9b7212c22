import { describeId } from '../cluster/cluster-health.ts';
import { answeringIn, type MemberFacts } from '../cluster/cluster-view.ts';
import type { DiagnosedMembers, Runbook, Seen } from '../runbook/runbook.ts';
import { type ChangesSoFar, fieldsOf, listOf, type SoFar } from '../runbook/step-run.ts';
import { spaceInput } from './contracts.ts';
import { PREVENT_ABOVE_RATIO } from './goals.ts';
import { describeUse } from './quotas.ts';

/** A store that is full, or about to be, gets its space back. */
export const spaceReclaim = {
  incident: 'space-exceeded',
  runbook: 'space-reclaim',
  stateMachineName: 'etcd-remediation-space-reclaim',
  input: spaceInput,
  needsHosts: false,
  movesSnapshots: false,
  policy: 'automatic',
  neverWaits: 'must be "automatic": a space reclaim does not wait for an approval',
  acts: {},
  asksAnewAfterFailure: false,
  wayOn: 'looks again, and goes on from here',
  alarms: {
    'space-exceeded': {
      problem: 'has raised NOSPACE: it refuses every write.',
      metric: 'NoSpace',
      limit: { atLeast: 1 },
      // etcd raises it by consensus, and it stays until someone disarms it.
      minutes: 1,
      // Every write fails until it is remediated, and a remediation that waits for an approval may have the cluster.
      pages: true,
    },
    'nearly-full': {
      problem: `has a member whose database is above ${PREVENT_ABOVE_RATIO * 100} % of its quota.`,
      metric: 'QuotaUsedPercent',
      limit: { above: PREVENT_ABOVE_RATIO * 100 },
      minutes: 5,
      saysIncident: true,
    },
  },
  // All that comes before etcd takes writes again is in one function: clients wait for the start and the first connection of each.
  steps: {
    'assess-space': { runsIn: 'etcd-long' },
    'weigh-room': { runsIn: 'decisions' },
    'compact-history': {
      runsIn: 'etcd-long',
      changes: ({ revision }, output) =>
        !output || output.outcome === 'Compacted' ? [`history was compacted up to revision ${revision}`] : [],
    },
    'choose-next-defragmentation': { runsIn: 'etcd-long' },
    'move-leadership': {
      runsIn: 'etcd-long',
      changes: ({ member, transferee }, output) => [
        `leadership was moved from ${output?.from ?? member} to ${output?.to ?? transferee}`,
      ],
    },
    'defragment-member': {
      runsIn: 'etcd-long',
      changes: ({ member }, output) =>
        (output ? listOf(output.defragmentations).map((each) => each.member) : [member]).map(
          (name) => `${name} was defragmented`,
        ),
    },
    'count-keys': { runsIn: 'etcd' },
    'disarm-alarms': {
      runsIn: 'etcd-long',
      changes: (_, output) => (!output || listOf(output.disarmed).length > 0 ? [DISARMED] : []),
    },
  },

  present({ evidence, view }: Seen) {
    const raised = evidence.alarms.filter(({ alarm }) => alarm === 'NOSPACE');
    if (raised.length === 0) return undefined;
    const sizes = answeringIn(view).map(
      ({ name, dbSizeBytes, quotaBytes }) => `${name} ${describeUse(dbSizeBytes, quotaBytes)}`,
    );
    return `NOSPACE is raised by ${raised.map(({ memberId }) => describeId(evidence, memberId)).join(', ')}: etcd refuses writes. ${sizes.join(', ')}.`;
  },

  heldTo: () => ({}),

  /** What becomes of failed members while a full store gets its space back. */
  advice({ others, members }: DiagnosedMembers) {
    if (!others.includes('member-failed')) return [];
    const failed = members.filter(({ state }) => state === 'failed' || state === 'joining');
    // Only of one that answers is it known how far it lags.
    const silent = failed.filter(({ lagEntries }) => lagEntries === '');
    const answering = failed.filter(({ lagEntries }) => lagEntries !== '');
    return [
      ...(answering.length > 0
        ? [
            `A reclaim waits for members that answer and are not well, for some minutes: cure ${namesOf(answering)}, or stop the service there, first.`,
          ]
        : []),
      ...(silent.length > 0
        ? [
            `A reclaim leaves out members that do not answer: ${namesOf(silent)}. Replace them afterwards (incident member-failed).`,
          ]
        : []),
    ];
  },

  leavesBehind({ runs, variables }: SoFar, { done }: ChangesSoFar) {
    const last = runs.at(-1);
    const isFull = listOf(fieldsOf(variables.assessment).alarms).length > 0 && !done.includes(DISARMED);
    return [
      'No member was stopped.',
      last?.step === 'defragment-member' && last.output === undefined
        ? `etcd ends a defragmentation that it has begun: until then ${fieldsOf(last.input).member} answers no client.`
        : '',
      isFull ? 'NOSPACE is still raised: etcd refuses writes.' : '',
    ]
      .filter((sentence) => sentence !== '')
      .join(' ');
  },
} as const satisfies Runbook;

const DISARMED = 'NOSPACE was disarmed';

function namesOf(members: readonly MemberFacts[]): string {
  return members.map(({ name }) => name).join(', ');
}
