import * as z from 'zod';
import type { FoundBackups } from '../../../core/backups/contracts.ts';
import type { ConfiguredMember } from '../../../core/cluster/clusters.ts';
import type {
  ExaminedSnapshot,
  HostInspection,
  InspectionReport,
  Salvage,
} from '../../../core/hosts/host-command-results.ts';
import { HOST_COMMANDS, type HostCommandName, parameterSchema } from '../../../core/hosts/host-commands.ts';
import type { HostCommand } from '../../../core/hosts/run-host-commands.ts';
import { chooseBackup } from '../../../core/quorum-recovery/choose-backup.ts';
import { chooseRecovery } from '../../../core/quorum-recovery/choose-recovery.ts';
import {
  type ChooseRecovery,
  type ExaminationReport,
  type FindRecoveryBackup,
  type MemberStatus,
  type PlanRecovery,
  type QuorumParameters,
  quorumParametersSchema,
  type SalvageReport,
} from '../../../core/quorum-recovery/contracts.ts';
import { planRecovery } from '../../../core/quorum-recovery/recovery-plan.ts';
import { parse } from '../../../core/text/parse.ts';
import { clusterOf, configured, directory, inspected, LAYOUT, MIB } from '../observations.ts';

/** A cluster of three that has lost its quorum, and what its hosts tell. */

const EXECUTION = 'run-1';
export const MEMBERS = ['node1', 'node2', 'node3'].map((name) => configured(name));
export const CLUSTER = clusterOf(MEMBERS);
export const FIVE = clusterOf(['node1', 'node2', 'node3', 'node4', 'node5'].map((name) => configured(name)));
export const WITH_BACKUPS = clusterOf(MEMBERS, { backups: { bucket: 'etcd-backups', prefix: 'orders/' } });

export function parametersWith(differences: object = {}): QuorumParameters {
  return parse(quorumParametersSchema, differences, 'parameters');
}

export function standing(name: string, differences: Partial<MemberStatus> = {}): MemberStatus {
  const silent = { answering: false, leaderId: '', version: '', revision: '', raftAppliedIndex: '' };
  return { name, ...silent, problem: 'does not answer.', ...differences };
}
export const answering = (name: string) => standing(name, { answering: true, leaderId: '0', version: '3.5.30' });

/** What a host was seen as: killed with its data, up, emptied, or ended with an error. */
export const STATES = {
  killed: { unit: unitOf('failed', 'failed', 'signal', 0) },
  up: { unit: unitOf('active', 'running', 'success', 812) },
  waiting: { unit: unitOf('activating', 'start', 'success', 813) },
  stopped: { unit: unitOf('inactive', 'dead', 'success', 0) },
  crashed: { unit: unitOf('failed', 'failed', 'exit-code', 0) },
  empty: {
    unit: unitOf('failed', 'failed', 'signal', 0),
    dataDir: directory(LAYOUT.dataDir, { empty: true, sizeBytes: 0 }),
    raftLog: null,
    clusterId: '',
  },
} as const satisfies Record<string, Partial<HostInspection>>;

/** What a host tells; null where it cannot be reached. */
export type Host = Partial<HostInspection> | null;
export const three = (node1: Host, node2: Host, node3: Host) => ({ hosts: { node1, node2, node3 } });

/** The members whose hosts are sent a command. */
export const names = (commands: { member: string }[]) => commands.map(({ member }) => member);

function unitOf(activeState: string, subState: string, result: string, mainPid: number): HostInspection['unit'] {
  return { loadState: 'loaded', activeState, subState, result, mainPid, restarts: 0, exitStatus: 0 };
}

interface RecoveryActionRequest extends Partial<Omit<ChooseRecovery, 'inspections'>> {
  hosts?: Record<string, Partial<HostInspection> | null>;
}

function recoveryActionRequest({ hosts = {}, ...rest }: RecoveryActionRequest = {}): ChooseRecovery {
  const { cluster = CLUSTER } = rest;
  return {
    cluster,
    parameters: parametersWith(),
    dryRun: false,
    members: cluster.members.map(({ name }) => standing(name)),
    inspections: reportsOf(cluster.members, hosts, STATES.killed),
    restarted: false,
    restartProblem: '',
    launchFailed: [],
    waits: 0,
    turn: 0,
    execution: EXECUTION,
    ...rest,
  };
}
export const recoveryAction = (request?: RecoveryActionRequest) => chooseRecovery(recoveryActionRequest(request));

function reportsOf(
  members: ConfiguredMember[],
  hosts: Record<string, Partial<HostInspection> | null>,
  otherwise: Partial<HostInspection>,
): InspectionReport[] {
  return members
    .filter(({ host }) => host)
    .map(({ name }) => inspected(name, name in hosts ? (hosts[name] ?? null) : otherwise));
}

/** A log that was replayed to its end: `4030`, of which everything up to `4030` was known as committed. */
export function log(
  commitIndex: number,
  lastIndex = commitIndex,
  complete = true,
  clusterId = 'c1',
): NonNullable<Salvage['log']> {
  return { clusterId, complete, commitIndex: String(commitIndex), lastIndex: String(lastIndex) };
}

export function salvage(method: Salvage['method'], revision: number, differences: Partial<Salvage> = {}): Salvage {
  const isReplayed = method === 'live' || method === 'replayed';
  return {
    method,
    revision: String(revision),
    totalKeys: 1000,
    hash: '4242',
    version: '',
    sizeBytes: 20 * MIB,
    rawRevision: String(method === 'none' ? 0 : revision),
    clusterId: method === 'none' ? '' : (differences.log?.clusterId ?? 'c1'),
    log: isReplayed ? log(revision + 100) : null,
    snapshot: method === 'none' ? null : { sizeBytes: 4 * MIB, sha256: `5a${revision}` },
    problem: {
      live: '',
      replayed: '',
      raw: 'The log could not be replayed: walpb: crc mismatch.',
      none: 'There is no data.',
    }[method],
    ...differences,
  };
}

/** A salvage that came to something; or, with null, one that failed. */
export function salvaged(name: string, result: Salvage | null): SalvageReport {
  const at = { member: name, host: name.replace('node', 'i-') };
  if (result) return { ...at, result, error: '', problem: '' };
  return { ...at, result: null, error: 'HostCommandFailed', problem: 'Nothing more fits on its disk.' };
}

export function examined(revision: number, differences: Partial<ExaminedSnapshot> = {}): ExaminationReport {
  const result = {
    revision: String(revision),
    totalKeys: 900,
    hash: '77',
    version: '',
    sizeBytes: 10 * MIB,
    hasHash: true,
    snapshot: { sizeBytes: 2 * MIB, sha256: `b${revision}` },
    ...differences,
  };
  return { member: 'node2', host: 'i-2', result, error: '', problem: '' };
}

interface PlanRequest extends Partial<Omit<PlanRecovery, 'inspections' | 'salvaged'>> {
  hosts?: Record<string, Partial<HostInspection> | null>;
  /** By member; null where it failed. A host that cannot be reached was not asked. */
  data?: Record<string, Salvage | null>;
}

/** Three members killed together, whose logs were replayed. */
export const DATA = { node1: salvage('replayed', 4004), node2: salvage('replayed', 4030), node3: salvage('raw', 3851) };

function planRequest({ hosts = {}, data = DATA, ...rest }: PlanRequest = {}): PlanRecovery {
  const { cluster = CLUSTER } = rest;
  return {
    cluster,
    parameters: parametersWith(),
    dryRun: false,
    members: cluster.members.map(({ name }) => standing(name)),
    inspections: reportsOf(cluster.members, hosts, STATES.killed),
    salvaged: Object.entries(data).map(([name, result]) => salvaged(name, result)),
    examined: null,
    backup: null,
    restartProblem: '',
    launched: [],
    execution: EXECUTION,
    ...rest,
  };
}
export const plan = (request?: PlanRequest, lateCertificates: Record<string, string[]> = {}) =>
  planRecovery(planRequest(request), lateCertificates);

/** Which of the cluster's own backups is chosen. */
export function chosenBackup(request: PlanRequest, found: FoundBackups, damaged: FindRecoveryBackup['damaged'] = []) {
  const { examined: _, backup: __, restartProblem: ___, ...left } = planRequest(request);
  return chooseBackup({ ...left, damaged }, found);
}

/** The fewest backups that a request needs to name one. */
export const withBackup = (force = false) => ({
  cluster: WITH_BACKUPS,
  parameters: parametersWith({ snapshot: { key: 'orders/1.db', force } }),
});

/** What run-host-commands would refuse of a command's parameters. @param url what the step that sends it adds */
export function refusalsOf(
  name: HostCommandName,
  { parameters }: Pick<HostCommand, 'parameters'>,
  url?: string,
): string[] {
  const rules = Object.entries(HOST_COMMANDS[name].parameters).map(([key, rule]) => [key, parameterSchema(rule)]);
  const sent = url === undefined ? parameters : { ...parameters, url };
  const { error } = z.strictObject(Object.fromEntries(rules)).safeParse(sent);
  return error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
}
