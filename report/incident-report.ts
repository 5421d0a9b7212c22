import * as z from 'zod';
import { newestBackupSchema } from '../core/backups/newest.ts';
import { CONDITIONS } from '../core/diagnosis/diagnosis.ts';
import { approvalSchema } from '../core/remediation/remediation-report.ts';
import { storeAnalysisSchema } from '../core/space-reclaim/store-analysis.ts';

/** The report of one remediation, for people and for programs. `docs/report.schema.json` is made of this. */

const time = z.iso.datetime().describe('UTC');
const span = {
  startedAt: time,
  endedAt: time.nullable().describe('Null if it has not ended, or its end is unknown'),
};
const count = z.int().min(0);
/** 64 bits wide. */
const index = z.string().regex(/^\d+$/).describe('A decimal string, for it has 64 bits');

const runbookSchema = z.object({
  runbook: z.string(),
  incident: z.string(),
  execution: z.string().describe('Its ARN'),
  dryRun: z.boolean().describe('Whether it has only planned'),
  ...span,
  outcome: z.string().describe('Or the name of the error that it ended with'),
  summary: z.string(),
});

/** What kind of work a line of the timeline is. */
const KINDS = ['step', 'hosts', 'wait', 'approval', 'runbook', 'page', 'record'] as const;

const entrySchema = z.object({
  state: z.string().describe('As the console of Step Functions shows it'),
  runbook: z.string().describe('Empty for the workflow around the runbooks'),
  kind: z
    .enum(KINDS)
    .describe(
      '`step` is a Lambda function. `hosts` is a command on hosts. `wait` lets time pass. `approval` waits for a person. `runbook` runs one. ' +
        '`page` calls a person. `record` is the lock and the record',
    ),
  ...span,
  members: z.array(z.string()).describe('The members that it is about, if any'),
  attempts: count.describe('How often it was begun. That a command on hosts was looked at again is no attempt'),
  retriedFor: z.array(z.string()).describe('The names of the errors after which it was tried again, in order'),
  error: z.string().describe('The name of the error that ended it; empty where none did'),
  summary: z.string().describe('What it found or did, in its own words'),
});
export type TimelineEntry = z.output<typeof entrySchema>;

const sizeSchema = z.object({
  at: time,
  member: z.string(),
  dbSizeBytes: z.number().min(0),
  dbSizeInUseBytes: z.number().min(0).nullable().describe('Null if this reading does not say'),
  quotaBytes: z.number().nullable().describe('Null if the member has no quota, or this reading does not say'),
});
export type SizeReading = z.output<typeof sizeSchema>;

const raftSchema = z.object({
  at: time,
  member: z.string(),
  appliedIndex: index,
  leaderIndex: index.nullable().describe("The leader's at that moment, where it was read with it"),
});
export type RaftReading = z.output<typeof raftSchema>;

const decisionSchema = z.object({
  at: time,
  runbook: z.string().describe('Empty for the workflow around the runbooks'),
  step: z.string(),
  decision: z.string().describe('A word of the step: `Replace`, `Finish`; empty where it has none'),
  summary: z.string(),
  evidence: z.array(z.string()).describe('What it was seen by, a line each'),
});
export type Decision = z.output<typeof decisionSchema>;

const hostEndSchema = z.object({
  command: z.string(),
  member: z.string(),
  host: z.string(),
  ...span,
  end: z.string().describe('`done`; the name of an error; `unknown` where no answer came back'),
  problem: z.string().describe('Of one that failed: what its host said'),
});
export type HostEnd = z.output<typeof hostEndSchema>;

const oldDataSchema = z.object({
  member: z.string(),
  host: z.string().describe('Empty if an earlier remediation moved it aside, which is not in this report'),
  path: z.string(),
  removal: z.string().describe('The command that removes it there, once it is not needed any more'),
});
export type OldData = z.output<typeof oldDataSchema>;

const lossSchema = z.object({
  atMostWrites: count.nullable().describe('Of the writes that were acknowledged. Null if unknown'),
  keptRevision: z
    .string()
    .nullable()
    .describe('Everything up to this revision is kept; null where no data was restored'),
  explanation: z.string(),
});

const nextSchema = z.object({
  text: z.string(),
  command: z.string().describe('Empty where there is none'),
});
export type NextStep = z.output<typeof nextSchema>;

/** Writes that a drill sent to the cluster while it was remediated, counted in slices of time. */
const writesSchema = z.object({
  from: time,
  sliceMs: z.int().min(1),
  accepted: z.array(count),
  refused: z.array(count).describe('Answered, and not accepted'),
  unanswered: z.array(count).describe('Without an answer in time: cut off, no leader'),
});

const drillSchema = z.object({
  scenario: z.string(),
  etcd: z.string().describe('Its version'),
  detectMs: z.number(),
  maxWriteStallMs: z.number().describe('Longest time between two accepted writes'),
  maxSilenceMs: z.number().describe('Longest time between two answers of any kind'),
  ackedWrites: count,
  lostWrites: count.nullable().describe('Of those; null where they could not be read back'),
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string() })),
  writes: writesSchema,
});
export type DrillMeasures = z.output<typeof drillSchema>;

export const incidentReportSchema = z.object({
  version: z
    .literal(1)
    .describe('Of this schema: it is another one once a field is taken away or means something else'),
  id: z.string().describe('Of the remediation'),
  execution: z.string().describe('Its ARN; on this machine none that AWS knows'),
  cluster: z.string(),
  incidents: z.array(z.enum(CONDITIONS)).describe('What was wrong, in the order in which it was remediated'),
  outcome: z
    .string()
    .describe('`Remediated`, `NothingToDo`, `Planned`, `AlreadyInProgress`, the name of an error, or `RUNNING`'),
  summary: z.string(),
  requestedBy: z.string().describe('Empty if not given'),
  reason: z.string(),
  alarm: z.string().describe('The alarm that started it; empty where none did'),
  ...span,
  cost: z.object({
    durationMs: z.number().describe('Until now where it still runs'),
    waitedForPeopleMs: z.number(),
    stateTransitions: count.describe('What Step Functions bills'),
    authenticationDisabledMs: z.number().nullable().describe('Null where it was not disabled'),
  }),
  runbooks: z.array(runbookSchema),
  timeline: z.array(entrySchema),
  sizes: z.array(sizeSchema),
  store: storeAnalysisSchema
    .nullable()
    .default(null)
    .describe('What fills the store at the end of a space reclaim; null where nobody has counted it'),
  raft: z.array(raftSchema),
  decisions: z.array(decisionSchema),
  changes: z.object({
    done: z.array(z.string()).describe('In order'),
    perhaps: z.array(z.string()).describe('Begun, and its end is unknown'),
  }),
  hostCommands: z.array(hostEndSchema),
  approvals: z.array(approvalSchema),
  oldData: z.array(oldDataSchema),
  loss: lossSchema,
  // A report that was kept before this field came has none.
  backup: newestBackupSchema
    .nullable()
    .default(null)
    .describe(
      'The newest backup when the remediation first looked; null where none are made, or where it did not look',
    ),
  remaining: z.array(z.string()).describe('What is still wrong'),
  next: z.array(nextSchema).describe('What to do now'),
  drill: drillSchema.nullable().describe('What a drill measured; null outside of one'),
  unknown: z.array(z.string()).describe('What this report cannot say, and why'),
});
export type IncidentReport = z.output<typeof incidentReportSchema>;
