import type * as z from 'zod';
import { compareHashesInput } from '../../core/cluster/compared-hashes.ts';
import type { Salvage } from '../../core/hosts/host-command-results.ts';
import type { HostCommand } from '../../core/hosts/run-host-commands.ts';
import {
  assessQuorumInput,
  type Candidate,
  chooseRecoveryInput,
  findRecoveryBackupInput,
  type MemberStatus,
  planRecoveryInput,
  type QuorumAssessment,
  type RecoveryAction,
  type RecoveryPlan,
  type VerifiedRecovery,
  verifyRecoveryInput,
  waitForQuorumInput,
} from '../../core/quorum-recovery/contracts.ts';
import { stageSnapshotInput } from '../../core/quorum-recovery/staging-contracts.ts';
import { loadClusterInput } from '../../core/remediation/load-cluster.ts';
import { proveWritesInput } from '../../core/space-reclaim/contracts.ts';
import type { JsonValue } from '../../local/asl/json.ts';
import { type Executed, execute } from './execute.ts';
import { CLUSTER, HOSTS, hostOf, INSPECTION, inspectionOf, SERVICE } from './replacement-scene.ts';
import { FLEET, LAYOUT, quorumRecovery, synthesizeStacks } from './stacks.ts';
import { requireContract } from './step-contracts.ts';

/** Executions of the quorum runbook, with steps that answer as the real ones do. */

const definition = quorumRecovery(synthesizeStacks(FLEET));

export const MEMBERS = Object.keys(HOSTS);
const { unit, dataDir, user, group, binDir } = LAYOUT;
const EXECUTION = 'run-1';
const SCRATCH = { dataDir, walDir: '', execution: EXECUTION };
const discarding = (outcome: string) => each(() => ({ ...SCRATCH, outcome }));
const MOVED = { unit, ...SCRATCH, user, group };
const INITIAL_CLUSTER = CLUSTER.members.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',');
const TOKEN = `etcd-remediation-${EXECUTION}`;
const SHA256 = 'ab'.repeat(32);

export const PARAMETERS = { confirmSeconds: 30, acceptFewerMembers: false };
export const LOADED = {
  cluster: CLUSTER,
  incident: 'quorum-lost',
  dryRun: false,
  reason: 'Two hosts are gone.',
  requestedBy: 'on-call',
  parameters: PARAMETERS,
};
/** As it is planned to be, so that it can be told from the configured one. */
export const PLANNED_CLUSTER = { ...CLUSTER, quotaBackendBytes: 1 };

function standingOf(name: string, more: Partial<MemberStatus> = {}): MemberStatus {
  return {
    ...{ name, answering: false, leaderId: '', version: '', revision: '', raftAppliedIndex: '' },
    problem: 'Nothing listens there.',
    ...more,
  };
}

function each(parameters: (member: string) => Record<string, string>, members = MEMBERS): HostCommand[] {
  return members.map((member) => ({ member, host: hostOf(member), parameters: parameters(member) }));
}

export const DISCARD = discarding('undo');
export const FORGET = discarding('forget');
export const SERVICES = (action: string, members = MEMBERS) =>
  each(() => ({ unit, action, dataDir, walDir: '', clusterId: 'c1', commitIndex: '100' }), members);
export const REVERT = each(() => MOVED);

export function assessmentOf(verdict: QuorumAssessment['verdict'] = 'Lost', lost = 3): QuorumAssessment {
  return {
    verdict,
    summary: 'No member leads.',
    readings: { lost, total: lost, committed: {} },
    members: MEMBERS.map((name) => standingOf(name)),
    inspections: each(() => INSPECTION),
  };
}

export function actionOf(action: RecoveryAction['action'], more: Partial<RecoveryAction> = {}): RecoveryAction {
  return {
    ...{ action, summary: `${action} may help.`, commands: [], mustStart: 0, discard: [], examine: null, kept: '' },
    ...more,
  };
}

const SALVAGE = { unit, ...SCRATCH, binDir, user, group, keep: 'yes', compressor: 'gzip' };
export const SALVAGING = actionOf('Salvage', {
  summary: 'No quorum has data.',
  commands: each(() => SALVAGE),
  discard: DISCARD,
});
export const EXAMINE: HostCommand = {
  member: 'node2',
  host: hostOf('node2'),
  parameters: { dataDir, binDir, keep: 'yes', compressor: 'gzip', execution: EXECUTION, sha256: '' },
};

export function salvageOf(revision: string): Salvage {
  return {
    ...{
      method: 'replayed',
      revision,
      totalKeys: 1,
      hash: '4711',
      version: '',
      sizeBytes: 9,
      rawRevision: '1',
      clusterId: 'c1',
      problem: '',
    },
    log: { clusterId: 'c1', complete: true, commitIndex: '9', lastIndex: '9' },
    snapshot: { sizeBytes: 9, sha256: SHA256 },
  };
}

const WINNER: Candidate = {
  ...{ member: 'node1', source: 'replay', revision: '4030', totalKeys: 1, sizeBytes: 9, note: '' },
};
const restoring = (member: string, hashCheck = 'no') => ({
  ...{ ...SCRATCH, binDir, user, group, name: member, initialCluster: INITIAL_CLUSTER, initialClusterToken: TOKEN },
  peerUrls: `https://${member}.example.com:2380`,
  ...{ sha256: SHA256, sizeBytes: '20480', hashCheck, revision: '4030', bumpRevision: '1000000000' },
});
const part = (partNumber: number, offsetBytes: number) => ({
  partNumber,
  member: 'node1',
  host: hostOf('node1'),
  parameters: {
    dataDir: LAYOUT.dataDir,
    execution: EXECUTION,
    source: 'data',
    offsetBytes: `${offsetBytes}`,
    lengthBytes: '9',
  },
});

export const swapping = (data: 'swap' | 'leave', members = MEMBERS) =>
  each(
    () => ({
      ...{ ...MOVED, data, binDir, revision: '4030', replaceNewer: 'no', configFile: LAYOUT.configFile },
      ...{ initialCluster: INITIAL_CLUSTER, initialClusterToken: TOKEN },
    }),
    members,
  );

/** Only the service of node2 ran when its host was inspected. */
export const PLAN: RecoveryPlan = {
  ladder: [
    { rung: 'restart', serves: false, why: 'No quorum has data.' },
    { rung: 'replay', serves: true, why: 'The log of node1 could be replayed.' },
  ],
  candidates: [WINNER],
  backups: [],
  winner: { ...WINNER, host: hostOf('node1') },
  loss: { keptRevision: '4030', atMostWrites: 2, explanation: 'At most 2 writes are lost.' },
  cluster: PLANNED_CLUSTER,
  targets: MEMBERS.map((member) => ({ member, host: hostOf(member), unit, wasActive: member === 'node2' })),
  leftOut: [],
  steps: ['restore node1'],
  staging: { key: 'orders/run-1.db.gz', sizeBytes: 18, parts: [part(1, 0), part(2, 9)] },
  commands: {
    restore: each((member) => restoring(member)),
    swap: swapping('swap'),
    discard: DISCARD,
    forget: FORGET,
    start: each(() => ({ unit, ...SCRATCH })),
    revert: REVERT,
    startAgain: SERVICES('start-without-waiting', ['node2']),
  },
  archives: { node3: ['/var/lib/etcd.old'] },
};

export const NOT_LED = { led: false, summary: 'Nobody leads.' };
export const LED = { led: true, summary: 'node1 leads.' };
export const VERIFIED: VerifiedRecovery = {
  members: [standingOf('node1', { answering: true, problem: '' })],
  healthy: MEMBERS,
  remaining: [],
  summary: 'Every member is healthy.',
};
export const COMPARED = { revision: '1000004030', hash: 4711, members: MEMBERS };
export const STAGED = { key: 'orders/run-1.db.gz', uploadId: 'upload-1' };
const DISCARDED = { discarded: true };
const REVERTED = { reverted: true, setAside: '' };

/** Where swap-data-dir has moved the data of a host. */
export function archivedOn(host: string) {
  return { dataDir: `${dataDir}.${host}`, walDir: '' };
}

export const WRITTEN = { file: LAYOUT.configFile, copy: `${LAYOUT.configFile}.copy`, changed: true };

const ANSWERS = {
  'Load cluster': LOADED,
  'Assess quorum': assessmentOf(),
  'Inspect hosts': ({ host }: { host: string }) => inspectionOf(memberOn(host), { mainPid: 0 }),
  'Choose recovery': SALVAGING,
  'Undo the interrupted recovery': REVERTED,
  'Finish the interrupted recovery': DISCARDED,
  'Stop what has lost its data': SERVICE,
  'Start what has data': SERVICE,
  'Wait for quorum': NOT_LED,
  'Snapshot data on every host': salvageOf('4030'),
  'Fetch the backup': {
    ...{ revision: '4000', totalKeys: 1, hash: '1', sizeBytes: 9, hasHash: true, version: '' },
    snapshot: { sizeBytes: 9, sha256: SHA256 },
  },
  'Plan recovery': PLAN,
  'Check for a quorum once more': NOT_LED,
  'Discard unneeded scratch folders': DISCARDED,
  'Begin upload': STAGED,
  'Send the snapshot': ({ object }: { object: { partNumber: number } }) => ({
    sizeBytes: 9,
    etag: `"etag-${object.partNumber}"`,
  }),
  'Complete upload': STAGED,
  'Restore on every host': { revision: '1000004030', sizeBytes: 9 },
  'Put restored data in place': ({ host }: { host: string }) => ({ ...archivedOn(host), ...WRITTEN }),
  'Start all services': SERVICE,
  'Verify recovery': VERIFIED,
  'Compare hashes': COMPARED,
  'Prove writes on every member': { members: ['after'] },
  'Clear the recovery marks': DISCARDED,
  'Discard staged snapshot': { ...STAGED, uploadId: '' },
  'Move all data back': REVERTED,
  'Start services again': SERVICE,
  'Discard scratch folders': DISCARDED,
  'Discard upload': { ...STAGED, uploadId: '' },
  'Discard unneeded upload': { ...STAGED, uploadId: '' },
};

/** The answer of a state where all goes well. */
export function wellOf(state: string, input: JsonValue): unknown {
  const answer = ANSWERS[state as keyof typeof ANSWERS];
  return typeof answer === 'function' ? answer(input as never) : answer;
}

const INPUTS: Record<string, z.ZodType> = {
  'Load cluster': loadClusterInput,
  'Assess quorum': assessQuorumInput,
  'Choose recovery': chooseRecoveryInput,
  'Wait for quorum': waitForQuorumInput,
  'Check for a quorum once more': waitForQuorumInput,
  'Look for backups': findRecoveryBackupInput,
  'Plan recovery': planRecoveryInput,
  'Begin upload': stageSnapshotInput,
  'Complete upload': stageSnapshotInput,
  'Discard staged snapshot': stageSnapshotInput,
  'Discard upload': stageSnapshotInput,
  'Discard unneeded upload': stageSnapshotInput,
  'Verify recovery': verifyRecoveryInput,
  'Compare hashes': compareHashesInput,
  'Prove writes on every member': proveWritesInput,
};

/** Restores node1's data without a hitch, but for what `answers` say. Every input is held against the contract of its step. */
export async function recover(answers: Record<string, unknown> = {}): Promise<Executed> {
  const executed = await execute(definition, { input: { cluster: 'orders' }, answers: { ...ANSWERS, ...answers } });
  for (const call of executed.calls) requireContract(call, INPUTS);
  return executed;
}

export function memberOn(host: string): string {
  return MEMBERS.find((member) => hostOf(member) === host) ?? '';
}

/** An answer that is another one on the hosts of some members. */
export function except(answer: unknown, others: Record<string, unknown>) {
  return ({ host }: { host: string }) => others[memberOn(host)] ?? answer;
}

/** The members on whose hosts a state has sent a command, in the order of the configuration. */
export function membersOf({ calls }: Executed, step: string): string[] {
  return calls
    .filter((call) => call.step === step)
    .map(({ input }) => memberOn(Object(input).host))
    .toSorted();
}
