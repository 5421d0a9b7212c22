import * as z from 'zod';
import { clusterSchema } from '../cluster/clusters.ts';
import { HOST_COMMAND_RESULTS, inspectionReportSchema, reportOf } from '../hosts/host-command-results.ts';
import { heldLogSchema } from '../hosts/newer-data.ts';
import type { HostCommand } from '../hosts/run-host-commands.ts';
import { confirmSeconds, inputOf } from '../runbook/execution-input.ts';
import { TEXT_RULES, textSchema } from '../text/text-rules.ts';
import type { StagedPart } from './staging-contracts.ts';

/** What the steps of the quorum runbook receive and return. IDs are hex; revisions and raft indexes decimal strings; sizes bytes. */

/** What a responder may set for the quorum runbook. */
export const quorumParametersSchema = z.strictObject({
  /** Over how long the quorum has to be seen lost, three times. */
  confirmSeconds: confirmSeconds(60),
  /** Recover without the members whose hosts cannot be reached; they join later, as replaced members. */
  acceptFewerMembers: z.boolean().default(false),
  /** Of these, no other may be left out: what someone has approved of. */
  leaveOutOnly: z.array(z.string()).optional(),
  /** Nothing older may be restored: what someone has approved of. */
  atLeastRevision: z
    .string()
    .regex(/^\d{1,20}$/, { error: 'must be a revision in decimal digits' })
    .optional(),
  /** Nothing is restored: an interrupted recovery is brought to its end, and what has its data is started. What someone has approved of. */
  restoreNothing: z.boolean().optional(),
  /** A backup in the bucket that clusters.json names under "backups". The newest candidate is restored, whichever it is... */
  snapshot: z
    .strictObject({
      key: z
        .string()
        .min(1, { error: 'must be an object\'s key, such as "orders/2026-11-22.db"' })
        .max(1024, { error: 'must be at most 1024 characters' }),
      /** ...unless this one is to be restored even where newer data is left. */
      force: z.boolean().default(false),
    })
    .optional(),
});

export type QuorumParameters = z.output<typeof quorumParametersSchema>;

export const quorumInput = inputOf('quorum-lost', { parameters: quorumParametersSchema.prefault({}) });

/** A configured member, as its client port shows it. */
const memberStatusSchema = z.strictObject({
  name: z.string(),
  answering: z.boolean(),
  /** "0" where it follows no leader; empty where it does not answer. */
  leaderId: z.string(),
  version: z.string(),
  revision: z.string(),
  raftAppliedIndex: z.string(),
  /** Why it is of no use to clients; empty where it serves them. */
  problem: z.string(),
});
export type MemberStatus = z.output<typeof memberStatusSchema>;

/** Readings of the same execution so far: how many in a row have shown the quorum lost, and what the last one knew as committed, by member. */
const quorumReadingsSchema = z.strictObject({
  lost: z.int().min(0),
  total: z.int().min(0),
  committed: z.record(z.string(), z.string()),
});
export type QuorumReadings = z.output<typeof quorumReadingsSchema>;

const request = { cluster: clusterSchema, parameters: quorumParametersSchema };

/** assess-quorum */
export const assessQuorumInput = z.strictObject({ ...request, readings: quorumReadingsSchema });
export interface QuorumAssessment {
  /** `Confirm`: look again later. */
  verdict: 'Confirm' | 'Lost' | 'NothingToDo';
  summary: string;
  readings: QuorumReadings;
  members: MemberStatus[];
  /** inspect-host for every member that has a host. */
  inspections: HostCommand[];
}

const salvageReport = reportOf(HOST_COMMAND_RESULTS['snapshot-data-dir']);
export type SalvageReport = z.output<typeof salvageReport>;
const examinationReport = reportOf(HOST_COMMAND_RESULTS['fetch-backup']);
export type ExaminationReport = z.output<typeof examinationReport>;

/** choose-recovery: the cheapest thing that may bring the quorum back, asked again after each. */
export const chooseRecoveryInput = z.strictObject({
  ...request,
  dryRun: z.boolean(),
  members: z.array(memberStatusSchema),
  inspections: z.array(inspectionReportSchema),
  /** Whether services were started in this execution, and the problems of the starts that failed. */
  restarted: z.boolean(),
  restartProblem: z.string(),
  /** Members whose start failed within seconds: where systemd starts such a one again and again, it has a process now and then. */
  launchFailed: z.array(z.string()),
  /** How often a quorum was waited for since. */
  waits: z.int().min(0),
  /** How often this has been asked before in this execution. */
  turn: z.int().min(0),
  execution: textSchema(TEXT_RULES.execution),
});
export type ChooseRecovery = z.output<typeof chooseRecoveryInput>;
export interface RecoveryAction {
  /**
   * `MoveBack`: an earlier recovery was interrupted while it moved data, so what it has moved goes back first; `Keep`: one was
   * interrupted when all was in place, so what is there is kept; `Stop`: members run that have lost their data and would be a quorum of nothing, so they
   * are stopped first; `Restart`: start the services of a quorum of data dirs;
   * `WaitForQuorum`: they run, and have had too little time; `Salvage`: what can be had from the data alone; `FinishEarlier`: in a dry run, that one
   * of the first two would come first, and that nothing can be planned before.
   */
  action: 'MoveBack' | 'Keep' | 'Stop' | 'Restart' | 'WaitForQuorum' | 'Salvage' | 'FinishEarlier';
  /** What, and why nothing cheaper serves. */
  summary: string;
  /** One for each host concerned: revert-data-dir, mark-recovery, control-service (stop, start-without-waiting) or snapshot-data-dir. */
  commands: HostCommand[];
  /** `Restart`: how many of the services have to start, so that with those that run they are a quorum. */
  mustStart: number;
  /**
   * mark-recovery: for `MoveBack`, once the data is back; for `Salvage`, where the execution ends before anything is moved; for `Restart` and
   * `WaitForQuorum`, once the quorum is proven: of recoveries that are `kept`.
   */
  discard: HostCommand[];
  /** That an earlier recovery's data is in place, whose loss comes on top of anything that is told here; empty where none is. */
  kept: string;
  /** `FinishEarlier`: what would be done, a line each. */
  steps?: string[];
  /** `Salvage`, with a backup named: fetch-backup on a host that has room for it. */
  examine: HostCommand | null;
}

/** wait-for-quorum: looks for a while. */
export const waitForQuorumInput = z.strictObject({
  cluster: clusterSchema,
  /** A quorum that is behind these has begun empty, and is none. */
  held: z.array(heldLogSchema),
  /** How long to look for a quorum; 0 for one look. */
  waitSeconds: z.int().min(0).max(60),
});
export interface QuorumSighting {
  /** Whether a quorum follows one leader. */
  led: boolean;
  summary: string;
}

const left = {
  ...request,
  dryRun: z.boolean(),
  members: z.array(memberStatusSchema),
  inspections: z.array(inspectionReportSchema),
  salvaged: z.array(salvageReport),
  /** Members whose services this execution has started: what they hold is no survivor's, though they run. */
  launched: z.array(z.string()),
  execution: textSchema(TEXT_RULES.execution),
};

/** find-recovery-backup: where no backup was named, and the cluster has its own. */
export const findRecoveryBackupInput = z.strictObject({
  ...left,
  /** Those that were fetched, and turned out not to be what was backed up. */
  damaged: z.array(z.strictObject({ name: z.string(), problem: z.string() })),
});
export type FindRecoveryBackup = z.output<typeof findRecoveryBackupInput>;

const listedBackupSchema = z.strictObject({
  name: z.string(),
  /** ISO 8601 */
  takenAt: z.string(),
  /** Both are empty where what is known of it cannot be read. */
  revision: z.string(),
  etcdVersion: z.string(),
  /** How many writes would be given up with it that are left; null where nothing is, or the two cannot be compared. */
  givenUp: z.string().nullable(),
  /** Why it is not taken by itself; empty where it could be. */
  obstacle: z.string(),
});
export type ListedBackup = z.output<typeof listedBackupSchema>;

const recoveryBackupSchema = z.strictObject({
  /** The one that is fetched. */
  chosen: z.strictObject({ name: z.string(), key: z.string(), takenAt: z.string() }).nullable(),
  /** The newest first. */
  backups: z.array(listedBackupSchema),
  /** Why nobody could look; empty where somebody has. */
  problem: z.string(),
});
export type RecoveryBackup = z.output<typeof recoveryBackupSchema> & {
  /** fetch-backup on a host that has room for it. */
  examine: HostCommand | null;
};

/** plan-recovery */
export const planRecoveryInput = z.strictObject({
  ...left,
  /** Null where no backup was fetched. */
  examined: examinationReport.nullable(),
  /** Of the cluster's own; null where nobody looked, because one was named, or none are made. */
  backup: recoveryBackupSchema.nullable(),
  /** Why the services could not simply be started. */
  restartProblem: z.string(),
});
export type PlanRecovery = z.output<typeof planRecoveryInput>;

/** Something that could be restored. */
export interface Candidate {
  /** Whose data it is; the host that has fetched it, for a backup. */
  member: string;
  source: 'survivor' | 'replay' | 'raw' | 'backup';
  revision: string;
  totalKeys: number;
  sizeBytes: number;
  /** In a few words, why it is no better than it is; empty where nothing could be. */
  note: string;
}

/** What is lost of the writes that were acknowledged. */
export interface Loss {
  /** Everything up to this revision is kept. */
  keptRevision: string;
  /** At most so many writes after it are lost; null where what is left of the cluster cannot say. */
  atMostWrites: number | null;
  explanation: string;
}

/** One rung of the ladder: what could not serve, and what did. */
export interface Rung {
  rung: 'restart' | 'survivor' | 'replay' | 'raw' | 'backup';
  serves: boolean;
  why: string;
}

/** A member that is restored. */
export interface RecoveryTarget {
  member: string;
  host: string;
  unit: string;
  /** Whether its service ran when its host was inspected. */
  wasActive: boolean;
}

export interface RecoveryPlan {
  ladder: Rung[];
  /** Best first. */
  candidates: Candidate[];
  /** The cluster's own, the newest first: what each would give up. */
  backups: ListedBackup[];
  winner: Candidate & { host: string };
  loss: Loss;
  /** The cluster as it will be: without those that are left out. */
  cluster: z.output<typeof clusterSchema>;
  targets: RecoveryTarget[];
  leftOut: { member: string; problem: string }[];
  /** What will be done, a line each. */
  steps: string[];
  /** The key of the staged snapshot, and the parts it is uploaded in. Null in a dry run, which keeps no snapshot. */
  staging: { key: string; sizeBytes: number; parts: StagedPart[] } | null;
  /** The commands of each phase, one for each host concerned. */
  commands: {
    restore: HostCommand[];
    /** swap-data-dir: on every target, and on hosts of members that are left out, where only the service is stopped. */
    swap: HostCommand[];
    /** mark-recovery where the execution ends before that. Also on hosts that only salvaged, or fetched a backup. */
    discard: HostCommand[];
    /** mark-recovery once all is proven, on the same hosts. */
    forget: HostCommand[];
    /** start-restored: each target says that all have the restored data in place, and starts its service. */
    start: HostCommand[];
    revert: HostCommand[];
    /** The services that ran before. */
    startAgain: HostCommand[];
  };
  /** Data dirs that earlier executions have moved aside, by member. */
  archives: Record<string, string[]>;
}

/** verify-recovery */
export const verifyRecoveryInput = z.strictObject({
  cluster: clusterSchema,
  /** What the cluster must at least be at. */
  revision: z.string().regex(/^\d+$/),
  /** Members that are waited for; one that is not among them may be away, and is then what remains. */
  required: z.array(z.string()),
  /** Whether data was restored: then it has to ask for a login again, if the configuration names one. */
  restored: z.boolean(),
});
export interface VerifiedRecovery {
  members: MemberStatus[];
  /** Members that are healthy: those that the remaining proofs are for. */
  healthy: string[];
  /** What is still wrong, and whose runbook is next: NOSPACE survives a restore, and a member may not have come back. */
  remaining: ('space-exceeded' | 'member-failed')[];
  summary: string;
}

/** What an approved plan says that a recovery is held to. Without a winner it is the plan of bringing an interrupted recovery to its end, and restores nothing. */
export const approvedRecovery = z.looseObject({
  winner: z.looseObject({ revision: z.string() }).nullable(),
  leftOut: z.array(z.looseObject({ member: z.string() })),
});
