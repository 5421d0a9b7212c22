import * as z from 'zod';
import { conditionSchema, diagnosisSchema } from '../diagnosis/diagnosis-answer.ts';
import { INCIDENTS } from '../runbooks.ts';

const incidentSchema = z.enum(INCIDENTS);

const roundSchema = z.object({
  incident: incidentSchema,
  runbook: z.string(),
  execution: z.string().describe("The ARN of the runbook's execution; empty where it was never started"),
  outcome: z.string().describe('Or the name of the error that it ended with'),
  report: z.unknown().describe("The runbook's whole output; of one that failed its cause, as `summary`"),
});
export type Round = z.output<typeof roundSchema>;

export const approvalSchema = z.object({
  incident: incidentSchema,
  decision: z.enum(['approve', 'reject']),
  by: z.string().describe('Who, as AWS knows them'),
  reason: z.string().describe('Empty where nothing was said'),
  at: z.string().describe('ISO 8601, UTC'),
});

/** What a remediation ends with that does not fail. */
export const remediationReportSchema = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('AlreadyInProgress'),
    cluster: z.string(),
    holder: z
      .object({
        remediation: z.string().describe('Its ID'),
        execution: z.string().describe('Its ARN'),
        startedAt: z.string().describe('ISO 8601, UTC'),
      })
      .describe("The remediation that has the cluster's lock. Its fields are empty where it ended meanwhile"),
    summary: z.string(),
  }),
  z.object({
    outcome: z.enum(['Remediated', 'NothingToDo', 'Planned']),
    cluster: z.string(),
    reason: z.string(),
    requestedBy: z.string(),
    summary: z.string(),
    rounds: z.array(roundSchema).describe('One for each runbook that ran, in order'),
    approvals: z.array(approvalSchema),
    diagnosis: diagnosisSchema.describe('At the end; of a dry run at its beginning'),
    remaining: z.array(conditionSchema).describe('What is still wrong'),
  }),
]);
export type RemediationReport = z.output<typeof remediationReportSchema>;
