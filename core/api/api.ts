import * as z from 'zod';
import { clusterSchema } from '../cluster/clusters.ts';
import { policySchema } from '../remediation/policy.ts';
import { remediationIdSchema } from '../remediation/remediation.ts';
import { remediationReportSchema } from '../remediation/remediation-report.ts';
import { anyInput } from '../runbook/execution-input.ts';
import { executionInputSchemas, INCIDENTS } from '../runbooks.ts';
import { PROBLEMS, type ProblemKind, problemType } from './problems.ts';

/**
 * What callers of the API send and receive; the command line of the deployed system receives the same. `docs/openapi.json` is made of these schemas,
 * so a description here is one there.
 */

export const time = z.iso.datetime().describe('ISO 8601, UTC');
const clusterNameSchema = clusterSchema.shape.name.describe('As in clusters.json');
const incidentSchema = z.enum(INCIDENTS);

/** The path has it already. An input of the state machine may be sent as it is. */
export const clusterAgain = clusterNameSchema.optional().describe("If it is there, the path's");

/** Without an incident the cluster is diagnosed, and what is found is remediated. */
const ofAnyIncident = anyInput
  .extend({ cluster: clusterAgain })
  .describe('The cluster is diagnosed first, and what is found is remediated');

function ofIncident(incident: (typeof INCIDENTS)[number]) {
  return z
    .strictObject({ ...executionInputSchemas[incident].shape, cluster: clusterAgain, incident: z.literal(incident) })
    .describe(`What is wrong is known: ${incident}`);
}

/** An execution input, of the cluster that the path names. What it takes is decided by `parseRemediationInput`. */
export const startRequestSchema = z
  .union([ofAnyIncident, ...INCIDENTS.map(ofIncident)])
  .describe('What to remediate, and how. An empty object will do');

const textOfPerson = z.string().max(1024, { error: 'must be at most 1024 characters' });

/** Why. An approval needs no reason. A rejection or a stop leaves the cluster as it is, and others have to know why. */
export const reasonSchema = textOfPerson.min(1, { error: 'must say why' });

/** As JSON Schema, for the document: a refinement cannot be seen there. */
const REASON_OF_A_REJECTION = {
  if: { properties: { decision: { const: 'reject' } } },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: { required: ['reason'], properties: { reason: { minLength: 1 } } },
};

export const answerRequestSchema = z
  .strictObject({
    approval: z.string().describe("The ID of the question that is answered, from the remediation's `approval`"),
    decision: z.enum(['approve', 'reject']),
    reason: textOfPerson.default('').describe('It is recorded with the decision. A rejection has to say why'),
  })
  .refine(({ decision, reason }) => decision === 'approve' || reason !== '', {
    path: ['reason'],
    error: 'must say why it is rejected',
  })
  .meta({ description: 'An answer to the question that a remediation waits with', ...REASON_OF_A_REJECTION });
export type AnswerRequest = z.output<typeof answerRequestSchema>;

const linksSchema = z.object({ self: z.string(), approval: z.string() }).describe('Paths, from the root of the host');

export const acceptedSchema = z.object({
  id: remediationIdSchema,
  executionArn: z.string().describe('The execution of the entry workflow'),
  links: linksSchema,
});
/** A remediation that was started, or stopped. */
export type Accepted = Omit<z.output<typeof acceptedSchema>, 'links'>;

export const progressEntrySchema = z.object({
  state: z.string().describe('A state of the workflow, in words'),
  at: time,
  runbook: z.string().optional().describe('The runbook whose state it is; without one it is the entry workflow'),
  summary: z.string().optional().describe('What it has found or done, once it has ended'),
});
export type ProgressEntry = z.output<typeof progressEntrySchema>;

const approvalSchema = z.object({
  id: z.string().describe('An answer names it'),
  incident: incidentSchema,
  runbook: z.string(),
  summary: z.string().describe('What is wrong'),
  plan: z.unknown().describe('The dry run of the runbook: what it would do, and at what cost'),
  expiresAt: time,
});
export type PendingApproval = z.output<typeof approvalSchema>;

export const STATUSES = ['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED', 'PENDING_REDRIVE'] as const;

export const remediationSchema = z.object({
  id: z.string(),
  cluster: z.string().describe('Empty where the execution was started with something else than an input'),
  status: z.enum(STATUSES).describe("The execution's"),
  startedAt: time,
  endedAt: time.nullable(),
  currentState: z.string().nullable().describe('Where it is, in the runbook that it runs; null when it has ended'),
  progress: z.array(progressEntrySchema),
  approval: approvalSchema.nullable().describe('What it waits for an answer to'),
  outcome: z
    .string()
    .nullable()
    .describe(
      '`Remediated`, `NothingToDo`, `Planned`, `AlreadyInProgress`; else the name of an error, `TIMED_OUT` or `ABORTED`',
    ),
  report: remediationReportSchema.nullable().describe('What it ended with, null where it failed or runs'),
  reportAt: z
    .object({ page: z.string().describe('HTML'), data: z.string().describe('JSON') })
    .nullable()
    .describe(
      'Where the report for people is, some seconds after the end: in S3, or on the machine that serves this API. Null while it runs',
    ),
  error: z.string().nullable(),
  cause: z.string().nullable().describe('What was seen, what it means and what to do'),
});
export type Remediation = z.output<typeof remediationSchema>;

const clusterSummarySchema = z.object({
  name: clusterNameSchema,
  members: z.int(),
  policy: policySchema.nullable().describe('What the configuration says of approvals; null where it says nothing'),
  problem: z
    .string()
    .nullable()
    .describe('Why the configuration of this cluster cannot be read, and what to do; null where it can'),
  running: z
    .object({ id: z.string(), startedAt: time, waitsForApproval: z.boolean() })
    .nullable()
    .describe('The remediation that runs'),
  last: z
    .object({ id: z.string(), startedAt: time, endedAt: time, outcome: z.string() })
    .nullable()
    .describe('The last remediation that has ended'),
});
export type ClusterSummary = z.output<typeof clusterSummarySchema>;

export const clusterPageSchema = z.object({
  clusters: z.array(clusterSummarySchema),
  next: clusterNameSchema.nullable().describe('There are more: `after` of the next request. Null: these are the last'),
});
export type ClusterPage = z.output<typeof clusterPageSchema>;

export const problemSchema = z
  .object({
    type: z.enum(Object.keys(PROBLEMS).map((kind) => problemType(kind as ProblemKind))),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string().describe('The path that was asked for'),
    requestId: z.string().describe('To look it up in the logs'),
    remediation: z.string().optional().describe('The ID of the remediation that is in the way'),
  })
  .describe('RFC 9457');
