import * as z from 'zod';
import { backupRecordSchema } from '../backups/record.ts';
import type { PassedRehearsal } from '../backups/rehearsal.ts';
import { clusterName, clusterSchema, memberName } from '../cluster/clusters.ts';
import { HOST_COMMAND_RESULTS, inspectionReportSchema } from '../hosts/host-command-results.ts';
import type { HostCommand } from '../hosts/run-host-commands.ts';

/** What the steps of a rehearsal receive and return. */

/** What starts one: `{"cluster":"orders"}` and optionally the rest. */
export const rehearsalRequestSchema = z.strictObject({
  cluster: clusterName,
  /** The key of a backup, or its name; the newest, if not said. */
  backup: z.string().min(1).max(1024).optional(),
  /** On whose host; the one with most room, if not said. */
  member: memberName.optional(),
  /** By a schedule: nothing is done where one has passed in time. */
  scheduled: z.boolean().optional(),
});
export type RehearsalRequest = z.output<typeof rehearsalRequestSchema>;

const rehearsedBackupSchema = z.strictObject({
  name: z.string(),
  bucket: z.string(),
  key: z.string(),
  record: backupRecordSchema,
});
export type RehearsedBackup = z.output<typeof rehearsedBackupSchema>;

/** plan-rehearsal: whether one is due, and of which backup. */
export const planRehearsalInput = z.strictObject({ cluster: clusterSchema, request: rehearsalRequestSchema });
export interface RehearsalPlan {
  /** `NotDue`: one has passed in time; `Postpone`: there is no backup yet. */
  action: 'Rehearse' | 'NotDue' | 'Postpone';
  /** Null where nothing is rehearsed. */
  backup: RehearsedBackup | null;
  summary: string;
}

const rankedMemberSchema = z.strictObject({ name: z.string(), leads: z.boolean() });

/** choose-rehearsal-members: on whose hosts it may be. */
export const chooseRehearsalMembersInput = z.strictObject({ cluster: clusterSchema, request: rehearsalRequestSchema });
export interface RehearsalMembers {
  members: z.output<typeof rankedMemberSchema>[];
  /** inspect-host for each of them. */
  inspections: HostCommand[];
  summary: string;
}

/** choose-rehearsal-host */
export const chooseRehearsalHostInput = z.strictObject({
  cluster: clusterSchema,
  backup: rehearsedBackupSchema,
  members: z.array(rankedMemberSchema),
  inspected: z.array(inspectionReportSchema),
});
export type ChooseRehearsalHost = z.output<typeof chooseRehearsalHostInput>;
export interface RehearsalHost {
  /** rehearse-restore, but for its URL. */
  command: HostCommand;
  /** The release of etcd on that host. */
  etcdVersion: string;
  summary: string;
}

/** record-rehearsal: how it ended. */
export const recordRehearsalInput = z.strictObject({
  cluster: clusterSchema,
  /** Null where it ended before one was chosen. */
  backup: rehearsedBackupSchema.nullable(),
  /** Empty where it ended before one was chosen. */
  member: z.string(),
  etcdVersion: z.string(),
  /** Null where nothing was restored. */
  result: HOST_COMMAND_RESULTS['rehearse-restore'].nullable(),
  /** Why not; null where it was. */
  failure: z.strictObject({ error: z.string(), cause: z.string() }).nullable(),
});
export type RecordRehearsal = z.output<typeof recordRehearsalInput>;
export interface RecordedRehearsal {
  outcome: 'Passed' | 'Failed' | 'Postponed';
  /** Empty unless it has failed. */
  error: string;
  cause: string;
  /** Null unless it has passed. */
  rehearsal: PassedRehearsal | null;
  summary: string;
}

/** What the state machine ends with, where it does not fail. */
export interface RehearsalReport {
  outcome: 'Passed' | 'NotDue' | 'Postponed';
  cluster: string;
  summary: string;
  /** Null unless it has passed. */
  rehearsal: PassedRehearsal | null;
}
