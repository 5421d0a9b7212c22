import type { HistoryEvent } from '@aws-sdk/client-sfn';
import type { RESET_STRATEGIES } from '../core/auth-token-reset/contracts.ts';
import type { JsonValue } from '../local/asl/json.ts';
import type { HostFault } from '../local/aws/host-faults.ts';
import type { Observer } from '../local/executions.ts';
import type { DrillMeasures } from '../report/incident-report.ts';
import type { Recorded } from '../report/make-report.ts';

/** What a drill tells while it runs. */
export interface DrillProgress {
  /** One line on what is being done. */
  say(line: string): void;
  /** An event of the execution that remediates. */
  onEvent(event: HistoryEvent): void;
  /** Asked for each execution that nobody but a rule has started, for who is to be told of its events. */
  follow?(stateMachineName: string, input: JsonValue): Observer;
  /** What a report of it is made of, before its cluster ends. */
  record?(recorded: RecordedDrill): void;
}

export interface DrillOptions {
  /** A version of etcd, or a folder with its binaries. */
  etcd?: string | undefined;
  members: number;
  tls: boolean;
  auth: boolean;
  /** The quota of each member's database. */
  sizeMiB: number;
  /** What the members' hosts are, in a scenario that needs hosts. */
  hosts?: HostKind;
  /** What a quorum is lost with, in a scenario that takes it. */
  damage?: Damage;
  /** What the cure may do, in a scenario that takes it. */
  strategy?: ResetStrategy;
  /** What goes wrong with commands on hosts, in a scenario that takes it. */
  faults?: readonly HostFault[];
  /** How long a command takes at least until its host has it. */
  deliveryMs?: number;
}

/** `process`: hosts without root; `systemd`: real systemd, for root on Linux. */
export const HOST_KINDS = ['process', 'systemd'] as const;
export type HostKind = (typeof HOST_KINDS)[number];

/**
 * `intact`: all members are killed, their data is whole; `survivor`: one runs, the data of the others is gone; `killed`: all are killed,
 * and the data of one is whole; `wal`: all are killed, and no log can be read.
 */
export const DAMAGES = ['intact', 'survivor', 'killed', 'wal'] as const;
export type Damage = (typeof DAMAGES)[number];

export type ResetStrategy = (typeof RESET_STRATEGIES)[number];

/** What must be true at the end of a drill. */
export interface DrillCheck {
  name: string;
  ok: boolean;
  detail: string;
}

/** The result of one drill; also what `--json` prints. Times are milliseconds. */
export interface DrillResult {
  scenario: string;
  etcd: string;
  /** As the execution ended: an outcome, or the name of its error. */
  outcome: string;
  incident: string;
  runbook: string;
  /** From the first symptom until the alarm was read. */
  detectMs: number;
  /** The execution, from its start to its end. */
  remediateMs: number;
  /** Longest time between two accepted writes. */
  maxWriteStallMs: number;
  /** Longest time between two answers to the writer, accepted or refused. */
  maxSilenceMs: number;
  ackedWrites: number;
  lostWrites: number;
  members: { name: string; [fact: string]: unknown }[];
  stateTransitions: number;
  /** The execution's output, or its error and cause. */
  report: unknown;
  checks: DrillCheck[];
}

/** What a report of a drill is made of. */
export type RecordedDrill = Pick<Recorded, 'entry' | 'runbooks'> & { drill: DrillMeasures };

export interface Scenario {
  name: string;
  summary: string;
  /** Whether its cluster runs on hosts. */
  needsHosts: boolean;
  /** Whether it breaks the cluster in the ways of `DAMAGES`. */
  takesDamage: boolean;
  /** Whether its cure knows more than one way. */
  takesStrategy: boolean;
  /** Whether commands on hosts may go wrong in it. */
  takesFaults: boolean;
  /** The release that it is about, where nobody asks for another. */
  etcd?: string;
  run(options: DrillOptions, progress: DrillProgress): Promise<DrillResult>;
}
