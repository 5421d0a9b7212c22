import type * as z from 'zod';
import type { HOST_COMMAND_RESULTS } from '../core/contracts/host-commands.ts';
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
import type { Defragmented, MemberSpace, NextAction, SpaceAssessment } from '../core/contracts/space.ts';
import { formatBytes } from '../core/format.ts';

type HostResult<Command extends keyof typeof HOST_COMMAND_RESULTS> = {
  /** Null until the command has ended. */
  result: z.output<(typeof HOST_COMMAND_RESULTS)[Command]> | null;
};

/** What each step has found or changed in a few words, by the name of its state. */
const DESCRIPTIONS = {
  'Load cluster': ({ cluster }: LoadedCluster) => cluster.name,

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

  'Assess members': ({ summary, readings }: MembersAssessment) =>
    readings.equal > 1 ? `the same for the ${ordinal(readings.equal)} time` : summary,
  'Inspect host': ({ result }: HostResult<'inspect-host'>) =>
    result
      ? `etcd ${result.etcdVersion}, service ${result.unit.activeState} (${result.unit.subState}), ` +
        `${formatBytes(result.dataDir.sizeBytes)} in ${result.dataDir.path}`
      : '',
  'Plan replacement': ({ steps }: ReplacementPlan) => steps.join('; '),
  'Choose next change': (next: NextChange) => {
    const action = next.action.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();
    return next.action === 'Finish' ? 'next: nothing is left to change' : `next: ${action} ${next.member}`;
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
  'The host command: how is it?': ({ status }: RunningHostCommand) =>
    status === 'Done' ? 'it has ended well' : 'it still runs',
  'Start service again': service,
} as const;

/** The states that are described: each is a state of a workflow. */
export const DESCRIBED_STATES: readonly string[] = Object.keys(DESCRIPTIONS);

/** A step's output in a few words; empty for a state whose output says nothing to a person. */
export function describeResult(state: string, output: unknown): string {
  if (!Object.hasOwn(DESCRIPTIONS, state)) return '';
  const describe = DESCRIPTIONS[state as keyof typeof DESCRIPTIONS] as (output: unknown) => string | null;
  return describe(output) ?? '';
}

function service({ result }: HostResult<'control-service'>): string | null {
  return result && `${result.activeState} (${result.subState})`;
}

function sizes(members: MemberSpace[]): string {
  return members
    .map((member) => `${member.name} ${formatBytes(member.dbSizeBytes)} of ${formatBytes(member.quotaBytes)}`)
    .join(', ');
}

function ordinal(count: number): string {
  return ['first', 'second', 'third'][count - 1] ?? `${count}th`;
}
