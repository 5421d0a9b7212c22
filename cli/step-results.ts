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
import type { HostReports } from '../core/contracts/run-host-commands.ts';
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

type HostResult<Command extends keyof typeof HOST_COMMAND_RESULTS> = z.output<(typeof HOST_COMMAND_RESULTS)[Command]>;

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
  'Restart service': services,
  'Toggle authentication': ({ window }: ToggledAuthentication) =>
    window?.enabledAt
      ? `it was disabled for ${window.enabledAt - window.disabledAt} ms`
      : 'not now: the cluster has changed',
  'Enable authentication': ({ summary, lookAgainSeconds }: EnabledAuthentication) =>
    lookAgainSeconds > 0 ? `${summary} A step could still disable it.` : summary,
  'Verify tokens': ({ summary }: VerifiedTokens) => summary,

  'Assess members': ({ summary, readings }: MembersAssessment) =>
    readings.equal > 1 ? `the same for the ${ordinal(readings.equal)} time` : summary,
  'Inspect hosts': inspections,
  'Inspect the old host': inspections,
  'Inspect every host': inspections,
  'Plan replacement': ({ steps }: ReplacementPlan) => steps.join('; '),
  'Choose next change': (next: NextChange) => {
    return next.action === 'Finish' ? 'next: nothing is left to change' : `next: ${words(next.action)} ${next.member}`;
  },
  'Stop service': services,
  'Move data aside': onHosts<'archive-data-dir'>(({ dataDir }) => (dataDir ? `to ${dataDir}` : 'there was none')),
  'Remove member': ({ changed, member, id }: ChangedMembership) =>
    changed ? `${member} (${id})` : 'not needed any more',
  'Add member': ({ changed, member }: ChangedMembership) => (changed ? member : 'not needed any more'),
  'Write membership': memberships,
  'Start service': services,
  'Wait for member': ({ answering, raftAppliedIndex, leaderAppliedIndex, distance }: MemberProgress) =>
    answering
      ? `at ${raftAppliedIndex} of ${leaderAppliedIndex} log entries, ${distance} to go`
      : 'does not answer yet',
  'Promote member': ({ changed, member }: ChangedMembership) =>
    changed ? `${member} is a voter` : 'not needed any more',
  'Compare hashes': ({ revision, members }: ComparedHashes) =>
    `the same at revision ${revision} on ${members.join(', ')}`,

  'Assess quorum': ({ verdict, summary, readings }: QuorumAssessment) =>
    verdict !== 'NothingToDo' && readings.lost > 1 ? `lost for the ${ordinal(readings.lost)} time` : summary,
  'Choose rescue': ({ action, summary }: Rescue) => `next: ${words(action)}: ${firstLine(summary)}`,
  'Undo the interrupted recovery': returns,
  'Start what has data': services,
  'Wait for quorum': ({ summary }: QuorumSighting) => firstLine(summary),
  'Salvage data on every host': onHosts<'salvage-data-dir'>(({ method, problem, revision }) =>
    method === 'none' ? problem : `${method}, revision ${revision}`,
  ),
  'Look into the backup': onHosts<'examine-snapshot'>(({ revision }) => `revision ${revision}`),
  'Plan recovery': ({ winner, loss }: RecoveryPlan) =>
    `${winner.source} of ${winner.member}, revision ${winner.revision}; ${loss.explanation}`,
  'Try the restore': restores,
  'Look once more': ({ summary }: QuorumSighting) => firstLine(summary),
  'Restore on every host': restores,
  'Stop all services': services,
  'Put restored data in place': onHosts<'place-restored-data'>(({ dataDir }) =>
    dataDir ? `what was there: ${dataDir}` : 'there was nothing before',
  ),
  'Write membership on every host': memberships,
  'Start all services': services,
  'Start services again': services,
  'Move all data back': returns,
  'Verify recovery': ({ summary }: VerifiedRecovery) => summary,
} as const;

/** The states that are described: each is a state of a workflow. */
export const DESCRIBED_STATES: readonly string[] = Object.keys(DESCRIPTIONS);

/** A step's output in a few words; empty for a state whose output says nothing to a person. */
export function describeResult(state: string, output: unknown): string {
  if (!Object.hasOwn(DESCRIPTIONS, state)) return '';
  const describe = DESCRIPTIONS[state as keyof typeof DESCRIPTIONS] as (output: unknown) => string;
  return describe(output);
}

/** What a phase came to: hosts of which the same is to be said are named together, and a failure under its name. */
function onHosts<Command extends keyof typeof HOST_COMMAND_RESULTS>(describe: (result: HostResult<Command>) => string) {
  return ({ reports }: HostReports): string => {
    const lines = Map.groupBy(reports, ({ result, error, problem }) =>
      error === '' ? describe(result as HostResult<Command>) : `${error}: ${firstLine(problem)}`,
    );
    return [...lines].map(([line, those]) => `${those.map(({ member }) => member).join(', ')}: ${line}`).join('; ');
  };
}

function inspections(output: HostReports): string {
  return onHosts<'inspect-host'>(
    ({ etcdVersion, unit, dataDir }) =>
      `etcd ${etcdVersion}, service ${unit.activeState} (${unit.subState}), ${formatBytes(dataDir.sizeBytes)} in ${dataDir.path}`,
  )(output);
}

function services(output: HostReports): string {
  return onHosts<'control-service'>(({ activeState, subState }) => `${activeState} (${subState})`)(output);
}

function memberships(output: HostReports): string {
  return onHosts<'configure-membership'>(({ file, copy }) => `${file}${copy ? ` (as it was: ${copy})` : ''}`)(output);
}

function restores(output: HostReports): string {
  return onHosts<'restore-snapshot'>(({ sizeBytes, revision }) => `${formatBytes(sizeBytes)}, revision ${revision}`)(
    output,
  );
}

function returns(output: HostReports): string {
  return onHosts<'revert-data-dir'>(({ reverted }) => (reverted ? 'it is in its place again' : 'it was in its place'))(
    output,
  );
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
