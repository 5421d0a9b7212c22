import * as z from 'zod';
import { BACKUP_STATE_MACHINE, ownBackupsOf } from '../backups/contracts.ts';
import { REHEARSAL_STATE_MACHINE } from '../backups/rehearsal.ts';
import { type Cluster, clusterName } from '../cluster/clusters.ts';
import { rehearsalRequestSchema } from '../rehearsal/contracts.ts';
import { requireRehearsalHost } from '../rehearsal/plan-rehearsal.ts';
import { remediationIdSchema } from '../remediation/remediation.ts';
import { clusterAgain, progressEntrySchema, STATUSES, time } from './api.ts';

/** What is started for one cluster and is no remediation: it takes no lock, repairs nothing, and asks nobody. */
interface JobKind {
  stateMachineName: string;
  /** What a caller may say of it. It becomes the execution's input, with the cluster. */
  request: z.ZodType<Record<string, unknown>>;
  /** @throws InvalidInput, PreconditionFailed where the configuration has nothing for it: then nothing is started */
  require(cluster: Cluster, request: Readonly<Record<string, unknown>>): void;
}

/** By what one of them makes. */
export const JOBS = {
  backup: {
    stateMachineName: BACKUP_STATE_MACHINE,
    request: z.strictObject({ cluster: clusterAgain }).describe('A backup takes nothing but the cluster of the path'),
    require: ownBackupsOf,
  },
  rehearsal: {
    stateMachineName: REHEARSAL_STATE_MACHINE,
    request: z
      .strictObject({
        cluster: clusterAgain,
        backup: rehearsalRequestSchema.shape.backup.describe(
          'The name or the key of a backup. The newest, if not said',
        ),
        member: rehearsalRequestSchema.shape.member.describe(
          'On whose host. If not said, that of a follower, and of these the one with most room',
        ),
      })
      .describe('What to rehearse, and where. An empty object will do'),
    require: (cluster: Cluster, request: Readonly<Record<string, unknown>>) => {
      ownBackupsOf(cluster);
      requireRehearsalHost(cluster, rehearsalRequestSchema.parse({ ...request, cluster: cluster.name }));
    },
  },
} as const satisfies Record<string, JobKind>;
export type Job = keyof typeof JOBS;

export const startedJobSchema = z.object({
  id: remediationIdSchema,
  executionArn: z.string().describe('The execution of its workflow'),
  links: z.object({ self: z.string() }).describe('Paths, from the root of the host'),
});
export type StartedJob = Omit<z.output<typeof startedJobSchema>, 'links'>;

export const jobStatusSchema = z.object({
  id: z.string(),
  cluster: clusterName,
  status: z.enum(STATUSES).describe("The execution's"),
  startedAt: time,
  endedAt: time.nullable(),
  currentState: z.string().nullable().describe('Where it is; null when it has ended'),
  progress: z.array(progressEntrySchema),
  outcome: z
    .string()
    .nullable()
    .describe(
      '`BackedUp` of a backup, `Passed` of a rehearsal, `Postponed` of one that gave way; else the name of an error, `TIMED_OUT` or `ABORTED`. Null while it runs',
    ),
  report: z
    .looseObject({ outcome: z.string() })
    .nullable()
    .describe('What it ended with, null where it failed or runs'),
  error: z.string().nullable(),
  cause: z.string().nullable().describe('What was seen, what it means and what to do'),
});
export type JobStatus = z.output<typeof jobStatusSchema>;
