import * as z from 'zod';
import { foundBackupsSchema } from '../backups/contracts.ts';
import { certificateSchema } from '../cluster/certificates.ts';
import type { MemberFacts } from '../cluster/cluster-view.ts';
import { clusterSchema } from '../cluster/clusters.ts';
import { inspectionReportSchema } from '../hosts/host-command-results.ts';
import type { HostCommand } from '../hosts/run-host-commands.ts';
import type { Summarized } from '../runbook/summary.ts';
import { ENTRY_STATE_MACHINE } from '../text/names.ts';
import type { Warning } from './diagnosis.ts';

/** A check: everything of a cluster that a remediation will rest on, looked at on a quiet day. It changes nothing. */

/** Its state machine. */
export const CHECK_STATE_MACHINE = `${ENTRY_STATE_MACHINE}-check`;

/** list-backups */
export const listBackupsInput = z.strictObject({ cluster: clusterSchema });

/** try-backups */
export const tryBackupsInput = z.strictObject({ cluster: clusterSchema });
export interface TriedBackups {
  /** Why no backup could be written; empty where one could, or where none are made. */
  problem: string;
}

/** survey-cluster */
export const surveyClusterInput = z.strictObject({ cluster: clusterSchema });

const backupsSchema = z.strictObject({
  /** `s3://bucket/prefix` */
  place: z.string(),
  /** Of the newest object; empty without one, or without the permission to look. */
  newestKey: z.string(),
  /** ISO 8601 */
  newestAt: z.string(),
  problem: z.string(),
  /** Those that are made here; null where somebody else makes them. */
  own: foundBackupsSchema.nullable(),
});
export type Backups = z.output<typeof backupsSchema>;

export interface ListedBackups extends Summarized {
  /** Null where the configuration names no place for any. */
  backups: Backups | null;
}

/** Which clients without a login a cluster serves: all; those with a client certificate; none. */
export const SERVES = ['anybody', 'certificates', 'nobody', 'unknown'] as const;

const clusterSurveySchema = z.strictObject({
  /** Looked at where the configuration names no "auth": what is open where any member is. */
  serves: z.enum(SERVES),
  /** Why the secrets cannot be used; empty where they can, or where none is named. */
  secretsProblem: z.string(),
  certificates: z.array(certificateSchema),
  /** Whether a quorum follows one leader: only then their logs are compared with those of hosts. */
  isLed: z.boolean(),
  /** Those that answer. */
  members: z.array(
    z.strictObject({
      name: z.string(),
      /** In hex. */
      clusterId: z.string(),
      /** How far it knows its log as committed. */
      raftCommittedIndex: z.string(),
      raftTerm: z.string(),
      /** In hex; "0" where it follows none. */
      leaderId: z.string(),
      version: z.string(),
      /** What it stores by, which follows the version that the cluster has agreed on; empty before etcd 3.6. */
      storageVersion: z.string(),
      dbSizeBytes: z.int(),
      /** Null where it has none. */
      quotaBytes: z.int().nullable(),
    }),
  ),
});
export type ClusterSurvey = z.output<typeof clusterSurveySchema>;

export interface SurveyedCluster extends Summarized {
  survey: ClusterSurvey;
  /** inspect-host for each host of the configuration; a spare host has no member. */
  inspections: HostCommand[];
}

/** weigh-check: the result of all of it. */
export const weighCheckInput = z.strictObject({
  cluster: clusterSchema,
  /** Null where the cluster could not be diagnosed. */
  diagnosis: z
    .looseObject({
      incident: z.string(),
      summary: z.string(),
      others: z.array(z.string()),
      members: z.array(z.looseObject({ name: z.string(), state: z.string() as z.ZodType<MemberFacts['state']> })),
      warnings: z.array(z.looseObject({ kind: z.string() as z.ZodType<Warning['kind']>, message: z.string() })),
    })
    .nullable(),
  /** Why it could not; empty where it was. */
  undiagnosed: z.string(),
  survey: clusterSurveySchema,
  /** Null where the configuration names none. */
  backups: backupsSchema.nullable(),
  /** As of {@link TriedBackups}. */
  unwritable: z.string(),
  /** One for each host of the configuration. */
  inspected: z.array(inspectionReportSchema),
});
export type WeighCheck = z.output<typeof weighCheckInput>;

export const CHECK_AREAS = [
  'cluster',
  'secrets',
  'login',
  'certificates',
  'identity',
  'quota',
  'releases',
  'hosts',
  'backups',
] as const;
export type CheckArea = (typeof CHECK_AREAS)[number];

export interface CheckLine {
  area: CheckArea;
  /** What was seen; of a finding, what to correct as well. */
  message: string;
}

/** A row of the table of certificates. */
export interface CertificateLine {
  /** Whose it is. */
  owner: string;
  /** ISO 8601 */
  endsAt: string;
  /** Whole days; negative where it has ended. */
  daysLeft: number;
}

export interface CheckReport extends Summarized {
  outcome: 'Well' | 'Findings';
  cluster: string;
  /** What keeps a remediation from its work, or will. */
  findings: CheckLine[];
  /** What was looked at, and is as it has to be. */
  well: CheckLine[];
  /** What could not be looked at, or the configuration does not name. */
  unchecked: CheckLine[];
  /** Those that could be read, by their end. */
  certificates: CertificateLine[];
}
