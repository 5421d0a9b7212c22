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
import type {
  Defragmented,
  MemberSpace,
  NextAction,
  RoomAssessment,
  SpaceAssessment,
} from '../core/contracts/space.ts';
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

/** What each step has found or changed in a few words, by the name of its state; of a phase, what its command has on one host. */
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
  'Weigh the room on the disks': ({ summary }: RoomAssessment) => summary || 'there is room on each',
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
  'Inspect hosts': inspection,
  'Inspect every host': inspection,
  'Plan replacement': ({ steps }: ReplacementPlan) => steps.join('; '),
  'Choose next change': (next: NextChange) => {
    if (next.action === 'Finish') return 'next: nothing is left to change';
    const members = 'commands' in next ? next.commands.map(({ member }) => member).join(', ') : next.member;
    return `next: ${words(next.action)} ${members}`;
  },
  'Stop service': service,
  'Move data aside': ({ dataDir }: HostResult<'archive-data-dir'>) => (dataDir ? `to ${dataDir}` : 'there was none'),
  'Remove member': ({ changed, member, id }: ChangedMembership) =>
    changed ? `${member} (${id})` : 'not needed any more',
  'Add member': ({ changed, member }: ChangedMembership) => (changed ? member : 'not needed any more'),
  'Write membership and start': (result: HostResult<'join-cluster'>) => `${membership(result)}; ${service(result)}`,
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
  'Undo the interrupted recovery': returned,
  'Stop what has lost its data': service,
  'Start what has data': service,
  'Wait for quorum': ({ summary }: QuorumSighting) => firstLine(summary),
  'Salvage data on every host': ({ method, problem, revision }: HostResult<'salvage-data-dir'>) =>
    method === 'none' ? problem : `${SOURCES[method]}, revision ${revision}`,
  'Look into the backup': ({ revision }: HostResult<'examine-snapshot'>) => `revision ${revision}`,
  'Plan recovery': ({ winner, loss }: RecoveryPlan) =>
    `${winner.source} of ${winner.member}, revision ${winner.revision}; ${loss.explanation}`,
  'Try and send the snapshot': restored,
  'Look once more': ({ summary }: QuorumSighting) => firstLine(summary),
  'Restore on every host': restored,
  'Put restored data in place': ({ dataDir, file }: HostResult<'swap-data-dir'>) =>
    file === '' ? 'stopped' : `stopped; ${dataDir ? `what was there: ${dataDir}` : 'there was nothing before'}`,
  'Start all services': service,
  'Start services again': service,
  'Move all data back': returned,
  'Verify recovery': ({ summary }: VerifiedRecovery) => summary,
} as const;

/** A salvage, by the name that the plan and its ladder give it. */
const SOURCES = { live: 'survivor', replayed: 'replay', raw: 'raw' } as const;

/** The states that are described: each is a state of a workflow. */
export const DESCRIBED_STATES: readonly string[] = Object.keys(DESCRIPTIONS);

/** What is told of a step's output in one line. */
export interface Told {
  /** On whose hosts; empty where it is told of the state as a whole. */
  members: string;
  /** Empty for a state whose output says nothing to a person. */
  text: string;
  failed: boolean;
}

/** A step's output in a few words; of a phase on hosts, a line for each thing that is to be said of some of them. */
export function describeResult(state: string, output: unknown): Told[] {
  const describe = Object.hasOwn(DESCRIPTIONS, state)
    ? (DESCRIPTIONS[state as keyof typeof DESCRIPTIONS] as (output: never) => string)
    : () => '';
  const { reports } = Object(output) as Partial<HostReports>;
  if (!reports) return [{ members: '', text: describe(output as never), failed: false }];
  const alike = Map.groupBy(reports, ({ result, error, problem }) =>
    error === '' ? describe(result as never) + leftovers(Object(result)) : `${error}: ${firstLine(problem)}`,
  );
  return [...alike].map(([text, those]) => ({
    members: [...new Set(those.map(({ member }) => member))].join(', '),
    text,
    failed: those.some(({ error }) => error !== ''),
  }));
}

function inspection({ etcdVersion, unit, dataDir }: HostResult<'inspect-host'>): string {
  return `etcd ${etcdVersion}, service ${unit.activeState} (${unit.subState}), ${formatBytes(dataDir.sizeBytes)} in ${dataDir.path}`;
}

/** What a killed run had left on a host. */
function leftovers({ removed = [] }: { removed?: string[] }): string {
  return removed.length === 0 ? '' : `; removed, left by a run that was killed: ${removed.join(', ')}`;
}

function service({ activeState, subState }: Pick<HostResult<'control-service'>, 'activeState' | 'subState'>): string {
  return `${activeState} (${subState})`;
}

function membership({ file, copy }: Pick<HostResult<'join-cluster'>, 'file' | 'copy'>): string {
  return `${file}${copy ? ` (as it was: ${copy})` : ''}`;
}

function restored({ sizeBytes, revision }: HostResult<'restore-snapshot'>): string {
  return `${formatBytes(sizeBytes)}, revision ${revision}`;
}

function returned({ reverted }: HostResult<'revert-data-dir'>): string {
  return reverted ? 'it is in its place again' : 'it was in its place';
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
