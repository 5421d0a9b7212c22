import type * as z from 'zod';
import type { Diagnosis } from '../core/contracts/diagnosis.ts';
import type { HOST_COMMAND_RESULTS } from '../core/contracts/host-command-results.ts';
import type { LoadedCluster } from '../core/contracts/load-cluster.ts';
import type {
  ChangedMembership,
  ComparedHashes,
  MemberProgress,
  MembersAssessment,
  NextChange,
  ReplacementPlan,
  RunningHostCommand,
} from '../core/contracts/membership.ts';
import type {
  QuorumAssessment,
  QuorumSighting,
  RecoveryPlan,
  Rescue,
  VerifiedRecovery,
} from '../core/contracts/recovery.ts';
import type { ApprovalAnswer } from '../core/contracts/remediation-items.ts';
import type { NextRunbook } from '../core/contracts/remediation-steps.ts';
import type { Defragmented, MemberSpace, NextAction, SpaceAssessment } from '../core/contracts/space.ts';
import type {
  EnabledAuthentication,
  NextCure,
  ToggledAuthentication,
  TokenAssessment,
  TokenCurePlan,
  VerifiedTokens,
} from '../core/contracts/tokens.ts';
import { describeUse } from '../core/decisions/quotas.ts';
import { formatBytes } from '../core/format.ts';
import { RUNBOOKS } from '../lib/workflows/registry.ts';

type HostResult<Command extends keyof typeof HOST_COMMAND_RESULTS> = {
  /** Null until the command has ended. */
  result: z.output<(typeof HOST_COMMAND_RESULTS)[Command]> | null;
};

/** What each step has found or changed in a few words, by the name of its state. */
const DESCRIPTIONS = {
  'Load cluster': ({ cluster }: LoadedCluster) => cluster.name,

  'Diagnose cluster': ({ incident, summary }: Diagnosis) =>
    incident === 'healthy' ? incident : `${incident}: ${summary}`,
  'Choose runbook': (next: NextRunbook) => (next.action === 'Run' ? `next: ${next.runbook}` : 'next: no runbook'),
  'Wait for an approval': ({ decision, by }: ApprovalAnswer) => `${decision}, by ${by}`,
  ...Object.fromEntries(
    Object.values(RUNBOOKS).map(({ runbook }) => [`Run ${runbook}`, ({ outcome }: { outcome: string }) => outcome]),
  ),

  'Assess space': ({ summary, members }: SpaceAssessment) => `${summary} ${sizes(members)}`,
  'Compact history': ({ revision, outcome }: { revision: string; outcome: string }) =>
    `to revision ${revision} (${outcome})`,
  'Choose next member': (next: NextAction) => {
    if (next.action === 'Defragment') return `next: defragment ${next.member}`;
    if (next.action === 'MoveLeadership') return `next: move leadership from ${next.member} to ${next.transferee}`;
    return 'next: no member is left to defragment';
  },
  'Move leadership': ({ from, to }: { from: string; to: string }) => `${from} -> ${to}`,
  'Defragment member': ({ defragmentations: [done] }: Defragmented) =>
    done
      ? `${formatBytes(done.dbSizeBytesBefore)} -> ${formatBytes(done.dbSizeBytesAfter)}`
      : 'not now: the cluster has changed',
  'Disarm alarms': ({ disarmed }: { disarmed: unknown[] }) => `${disarmed.length} disarmed, none is left`,
  'Prove writes on every member': ({ members }: { members: MemberSpace[] }) => sizes(members),

  'Assess tokens': ({ summary, readings }: TokenAssessment) =>
    readings.equal > 1 ? `the same for the ${ordinal(readings.equal)} time` : summary,
  'Plan token cure': ({ steps }: TokenCurePlan) => steps.join('; '),
  'Choose next cure': (next: NextCure) => {
    if (next.action === 'Finish') return 'next: no member rejects tokens';
    return `next: ${words(next.action)}${'member' in next ? ` ${next.member}` : ''}`;
  },
  'Restart service': service,
  'Toggle authentication': ({ window }: ToggledAuthentication) =>
    window?.enabledAt
      ? `it was disabled for ${window.enabledAt - window.disabledAt} ms`
      : 'not now: the cluster has changed',
  'Enable authentication': ({ summary, lookAgainSeconds }: EnabledAuthentication) =>
    lookAgainSeconds > 0 ? `${summary} A step could still disable it.` : summary,
  'Verify tokens': ({ summary }: VerifiedTokens) => summary,

  'Assess members': ({ summary, readings }: MembersAssessment) =>
    readings.equal > 1 ? `the same for the ${ordinal(readings.equal)} time` : summary,
  'Inspect host': ({ result }: HostResult<'inspect-host'>) =>
    result
      ? `etcd ${result.etcdVersion}, service ${result.unit.activeState} (${result.unit.subState}), ` +
        `${formatBytes(result.dataDir.sizeBytes)} in ${result.dataDir.path}`
      : '',
  'Plan replacement': ({ steps }: ReplacementPlan) => steps.join('; '),
  'Choose next change': (next: NextChange) => {
    return next.action === 'Finish' ? 'next: nothing is left to change' : `next: ${words(next.action)} ${next.member}`;
  },
  'Stop service': service,
  'Move data aside': ({ result }: HostResult<'archive-data-dir'>) =>
    result && (result.dataDir ? `to ${result.dataDir}` : 'there was none'),
  'Remove member': ({ changed, member, id }: ChangedMembership) =>
    changed ? `${member} (${id})` : 'not needed any more',
  'Add member': ({ changed, member }: ChangedMembership) => (changed ? member : 'not needed any more'),
  'Write membership': ({ result }: HostResult<'configure-membership'>) =>
    result && `${result.file}${result.copy ? ` (as it was: ${result.copy})` : ''}`,
  'Start service': service,
  'Wait for member': ({ answering, raftAppliedIndex, leaderAppliedIndex, distance }: MemberProgress) =>
    answering
      ? `at ${raftAppliedIndex} of ${leaderAppliedIndex} log entries, ${distance} to go`
      : 'does not answer yet',
  'Promote member': ({ changed, member }: ChangedMembership) =>
    changed ? `${member} is a voter` : 'not needed any more',
  'Compare hashes': ({ revision, members }: ComparedHashes) =>
    `the same at revision ${revision} on ${members.join(', ')}`,
  'Start service again': service,

  'Assess quorum': ({ verdict, summary, readings }: QuorumAssessment) =>
    verdict !== 'NothingToDo' && readings.lost > 1 ? `lost for the ${ordinal(readings.lost)} time` : summary,
  'Choose rescue': ({ action, summary }: Rescue) => `next: ${words(action)}: ${firstLine(summary)}`,
  'Move interrupted data back': ({ result }: HostResult<'revert-data-dir'>) => reverted(result),
  'Launch service': service,
  'Wait for quorum': ({ summary }: QuorumSighting) => firstLine(summary),
  'Salvage data': ({ result }: HostResult<'salvage-data-dir'>) =>
    result && (result.method === 'none' ? result.problem : `${result.method}, revision ${result.revision}`),
  'Examine backup': ({ result }: HostResult<'examine-snapshot'>) => result && `revision ${result.revision}`,
  'Plan recovery': ({ winner, loss }: RecoveryPlan) =>
    `${winner.source} of ${winner.member}, revision ${winner.revision}; ${loss.explanation}`,
  'Restore on trial': restored,
  'Look once more': ({ summary }: QuorumSighting) => firstLine(summary),
  'Restore snapshot': restored,
  'Place restored data': ({ result }: HostResult<'place-restored-data'>) =>
    result && (result.dataDir ? `what was there: ${result.dataDir}` : 'there was nothing before'),
  'Move data back': ({ result }: HostResult<'revert-data-dir'>) => reverted(result),
  'Verify recovery': ({ summary }: VerifiedRecovery) => summary,
} as const;

/** The states that are described: each is a state of a workflow. */
export const DESCRIBED_STATES: readonly string[] = Object.keys(DESCRIPTIONS);

/** A step's output in a few words; empty for a state whose output says nothing to a person. */
export function describeResult(state: string, output: unknown): string {
  if (state.endsWith(': how is it?')) {
    return (output as RunningHostCommand).status === 'Done' ? 'it has ended well' : 'it still runs';
  }
  if (!Object.hasOwn(DESCRIPTIONS, state)) return '';
  const describe = DESCRIPTIONS[state as keyof typeof DESCRIPTIONS] as (output: unknown) => string | null;
  return describe(output) ?? '';
}

function service({ result }: HostResult<'control-service'>): string | null {
  return result && `${result.activeState} (${result.subState})`;
}

function restored({ result }: HostResult<'restore-snapshot'>): string | null {
  return result && `${formatBytes(result.sizeBytes)}, revision ${result.revision}`;
}

function reverted(result: HostResult<'revert-data-dir'>['result']): string | null {
  return result && (result.reverted ? 'it is in its place again' : 'it was in its place');
}

/** `ArchiveDataDir` -> `archive data dir` */
function words(action: string): string {
  return action.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();
}

/** A first line that ends with a colon leads to others, which are not told. */
function firstLine(text: string): string {
  return text.split('\n', 1)[0]?.replace(/:$/, '') ?? '';
}

function sizes(members: MemberSpace[]): string {
  return members.map((member) => `${member.name} ${describeUse(member.dbSizeBytes, member.quotaBytes)}`).join(', ');
}

function ordinal(count: number): string {
  return ['first', 'second', 'third'][count - 1] ?? `${count}th`;
}
