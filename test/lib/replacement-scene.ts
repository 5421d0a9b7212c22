import type * as z from 'zod';
import { compareHashesInput } from '../../core/cluster/compared-hashes.ts';
import { type HostInspection, hostInspectionSchema } from '../../core/hosts/host-command-results.ts';
import {
  assessMembersInput,
  changeMembershipInput,
  chooseNextChangeInput,
  explainChangesInput,
  type MembersAssessment,
  type NextChange,
  type PlannedTarget,
  planReplacementInput,
  type ReplacementPlan,
  waitForMemberInput,
} from '../../core/member-replacement/contracts.ts';
import { loadClusterInput } from '../../core/remediation/load-cluster.ts';
import { proveWritesInput } from '../../core/space-reclaim/contracts.ts';
import type { JsonValue } from '../../local/asl/json.ts';
import { type Call, type Executed, execute } from './execute.ts';
import { FLEET, LAYOUT, memberReplacement, synthesizeStacks } from './stacks.ts';
import { requireContract } from './step-contracts.ts';

/** Executions of the member runbook, with steps that answer as the real ones do. */

const definition = memberReplacement(synthesizeStacks(FLEET));

export const HOSTS: Record<string, string> = {
  node1: 'i-0a1b2c3d4e5f60001',
  node2: 'i-0a1b2c3d4e5f60002',
  node3: 'i-0a1b2c3d4e5f60003',
};
const IDS: Record<string, string> = { node1: 'a1', node2: 'a2', node3: 'a3' };
const { unit, dataDir, configFile, user, group, binDir } = LAYOUT;

/** As it is configured. */
export const CLUSTER = {
  name: 'orders',
  members: Object.entries(HOSTS).map(([name, host]) => ({
    name,
    clientUrl: `https://${name}.example.com:2379`,
    peerUrl: `https://${name}.example.com:2380`,
    host,
  })),
  quotaBackendBytes: 2_147_483_648,
  layout: LAYOUT,
};
/** As it is planned to be, so that it can be told from the configured one. */
export const PLANNED_CLUSTER = { ...CLUSTER, quotaBackendBytes: 1 };

export const PARAMETERS = { confirmSeconds: 30 };
export const LOADED = {
  cluster: CLUSTER,
  incident: 'member-failed',
  dryRun: false,
  reason: 'The member is gone.',
  requestedBy: 'on-call',
  member: '',
  parameters: PARAMETERS,
};

export function hostOf(member: string): string {
  return HOSTS[member] ?? '';
}

export const INSPECTION = { unit, dataDir, walDir: '', configFile, binDir, user, group, url: '' };

export function targetOf(member: string, kind: 'failed' | 'joining' = 'failed') {
  return { member, kind, problem: `${member} is ${kind}.` };
}

/** An assessment that has found these members failed, and is sure of it. */
export function assessmentOf(members: string[], more: Partial<MembersAssessment> = {}): MembersAssessment {
  return {
    verdict: 'Replace',
    summary: `${members.join(' and ')} failed.`,
    readings: { targets: members.map((member) => targetOf(member)), equal: 3, total: 3 },
    members: [
      {
        name: 'node1',
        id: 'a1',
        state: 'healthy',
        role: 'leader',
        version: '3.6.1',
        raftAppliedIndex: '9',
        problem: '',
      },
    ],
    inspections: members.map((member) => ({ member, host: hostOf(member), parameters: INSPECTION })),
    oldHost: [],
    ...more,
  };
}

function controlOf(action: string, seen = { clusterId: '', commitIndex: '' }): Record<string, string> {
  return { unit, action, dataDir, walDir: '', ...seen };
}

export function plannedOf(member: string, more: Partial<PlannedTarget> = {}): PlannedTarget {
  return {
    member,
    host: hostOf(member),
    removeIds: [IDS[member] ?? ''],
    prepare: true,
    asLearner: true,
    staysLearner: false,
    wasActive: true,
    start: controlOf('start', { clusterId: 'c1', commitIndex: '100' }),
    peerUrls: [],
    ...more,
  };
}

export function planOf(targets: PlannedTarget[]): ReplacementPlan {
  return {
    cluster: PLANNED_CLUSTER,
    replaced: null,
    targets,
    steps: targets.map(({ member }) => `replace ${member}`),
    archives: Object.fromEntries(targets.map(({ member }) => [member, ['/var/lib/etcd.old']])),
  };
}

export function inspectionOf(member: string, more: Partial<HostInspection['unit']> = {}): HostInspection {
  const directory = {
    ...{ path: dataDir, realPath: dataDir, exists: true, empty: false, isMountPoint: false },
    ...{ owner: 'etcd:etcd', mode: 'drwx------', sizeBytes: 1, freeBytes: 1 },
  };
  return hostInspectionSchema.parse({
    unit: {
      ...{ loadState: 'loaded', activeState: 'activating', subState: 'auto-restart', result: 'exit-code' },
      ...{ mainPid: 0, restarts: 5, exitStatus: 1 },
      ...more,
    },
    log: [`${member} starts`, `${member} panics`],
    errors: [`${member} panics`],
    atWork: {
      clientPortListens: false,
      peerPortListens: false,
      processState: '',
      answer: 'unknown',
      memberId: '',
      problem: '',
    },
    refusals: [],
    etcdVersion: '3.6.1',
    zstd: false,
    dataDir: directory,
    walDir: null,
    archives: [],
    raftLog: { holds: 'entries', commitIndex: '100', lastIndex: '100', commitTerm: '3', lastTerm: '3' },
    clusterId: 'c1',
    recoveries: [],
    certificates: [],
    configuration: {
      ...{ format: 'yaml', file: configFile, name: member, dataDir, walDir: '', initialAdvertisePeerUrls: '' },
      ...{ initialCluster: '', initialClusterState: '', initialClusterToken: '', overriding: [], experimental: [] },
    },
  });
}

export const SERVICE = { activeState: 'active', subState: 'running', mainPid: 7 };
const JOINED = { file: configFile, copy: `${configFile}.copy`, changed: true, ...SERVICE };
export const FINISH: NextChange = { action: 'Finish' };

/** Where archive-data-dir has moved the data of a host. */
export function archivedOn(host: string) {
  return { dataDir: `${dataDir}.${host}`, walDir: '' };
}

export function changesOf(member: string) {
  const at = { member, host: hostOf(member) };
  const id = IDS[member] ?? '';
  const { peerUrl = '' } = CLUSTER.members.find(({ name }) => name === member) ?? {};
  return {
    stop: { action: 'StopService', commands: [{ ...at, parameters: controlOf('stop') }] },
    remove: { action: 'RemoveMember', member, id },
    archive: {
      action: 'ArchiveDataDir',
      commands: [{ ...at, parameters: { unit, dataDir, walDir: '', user, group, execution: 'run-1' } }],
    },
    add: { action: 'AddMember', member, peerUrls: [peerUrl], asLearner: true },
    join: {
      action: 'JoinCluster',
      commands: [
        {
          ...at,
          parameters: {
            unit,
            configFile,
            dataDir,
            walDir: '',
            initialCluster: `${member}=${peerUrl}`,
            execution: 'run-1',
          },
        },
      ],
    },
    wait: { action: 'WaitForMember', member },
    promote: { action: 'PromoteMember', member, id: 'b1' },
    giveUp: { action: 'GiveUp', problem: `${member} was started and does not answer.`, ...at, parameters: INSPECTION },
  } satisfies Record<string, NextChange>;
}

/** The same on the hosts of all of them at once. */
export function together(...changes: NextChange[]): NextChange {
  const commands = changes.flatMap((change) => ('commands' in change ? change.commands : []));
  return { ...(changes[0] as NextChange), commands } as NextChange;
}

/** Every change to one member, in order. */
export function replaceOf(member: string): NextChange[] {
  const { stop, remove, archive, add, join, wait, promote } = changesOf(member);
  return [stop, remove, archive, add, join, wait, promote];
}

export function progressOf(member: string, raftAppliedIndex: string) {
  return { member, answering: true, raftAppliedIndex, leaderAppliedIndex: '9', distance: '0' };
}

const CHANGED = { changed: true, member: 'node3', id: 'a3' };
export const ANSWERS = {
  'Load cluster': LOADED,
  'Assess members': assessmentOf(['node3']),
  'Inspect hosts': ({ host }: { host: string }) => {
    const member = Object.keys(HOSTS).find((name) => HOSTS[name] === host) ?? '';
    return inspectionOf(member);
  },
  'Plan replacement': planOf([plannedOf('node3')]),
  'Choose next change': [...replaceOf('node3'), FINISH],
  'Stop service': { activeState: 'inactive', subState: 'dead', mainPid: 0 },
  'Remove member': CHANGED,
  'Move data aside': ({ host }: { host: string }) => archivedOn(host),
  'Add member': CHANGED,
  'Write membership and start': JOINED,
  'Wait for member': progressOf('node3', '9'),
  'Promote member': CHANGED,
  'Inspect why it does not join': inspectionOf('node3'),
  'Explain what was changed': ({ error, cause }: { error: string; cause: string }) => ({ error, cause }),
  'Start services again': SERVICE,
  'Compare hashes': { revision: '9', hash: 4711, members: ['node1', 'node2', 'node3'] },
  'Prove writes on every member': { members: ['after'] },
};

/** The answer of a phase where all goes well. */
export function wellOf(state: string, input: JsonValue): unknown {
  const answer = ANSWERS[state as keyof typeof ANSWERS];
  return typeof answer === 'function' ? answer(input as never) : answer;
}

export const INPUTS: Record<string, z.ZodType> = {
  'Load cluster': loadClusterInput,
  'Assess members': assessMembersInput,
  'Plan replacement': planReplacementInput,
  'Choose next change': chooseNextChangeInput,
  'Remove member': changeMembershipInput,
  'Add member': changeMembershipInput,
  'Promote member': changeMembershipInput,
  'Wait for member': waitForMemberInput,
  'Compare hashes': compareHashesInput,
  'Prove writes on every member': proveWritesInput,
  'Explain what was changed': explainChangesInput,
};

/** Replaces node3 without a hitch, but for what `answers` say. Every input is held against the contract of its step. */
export async function replaceMember(answers: Record<string, unknown> = {}): Promise<Executed> {
  const executed = await execute(definition, { input: { cluster: 'orders' }, answers: { ...ANSWERS, ...answers } });
  for (const call of executed.calls) requireContract(call, INPUTS);
  return executed;
}

export function callsOf({ calls }: Executed, step: string): Call['input'][] {
  return calls.filter((call) => call.step === step).map(({ input }) => input);
}
