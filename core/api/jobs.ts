import * as z from 'zod';
import { BACKUP_STATE_MACHINE, ownBackupsOf } from '../backups/contracts.ts';
import { type Cluster, clusterName } from '../cluster/clusters.ts';
import { remediationIdSchema } from '../remediation/remediation.ts';
import { clusterAgain, progressEntrySchema, STATUSES, time } from './api.ts';

/** What is started for one cluster and is no remediation: it takes no lock, repairs nothing, and asks nobody. */
interface JobKind {
  stateMachineName: string;
  /** What a caller may say of it. It becomes the execution's input, with the cluster. */
  request: z.ZodType<Record<string, unknown>>;
  /** @throws InvalidInput where the configuration has nothing for it: then nothing is started */
  require(cluster: Cluster): void;
}

/** By what one of them makes. */
export const JOBS = {
  backup: {
    stateMachineName: BACKUP_STATE_MACHINE,
    request: z.strictObject({ cluster: clusterAgain }).describe('A backup takes nothing but the cluster of the path'),
    require: ownBackupsOf,
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
    .describe('`BackedUp` of a backup; else the name of an error, `TIMED_OUT` or `ABORTED`. Null while it runs'),
  report: z
    .looseObject({ outcome: z.string() })
    .nullable()
    .describe('What it ended with, null where it failed or runs'),
  error: z.string().nullable(),
  cause: z.string().nullable().describe('What was seen, what it means and what to do'),
});
export type JobStatus = z.output<typeof jobStatusSchema>;
