import * as z from 'zod';
import { clusterSchema } from '../cluster/clusters.ts';
import { CONDITIONS, type Condition } from '../diagnosis/diagnosis.ts';
import { INCIDENTS, type Incident } from '../runbooks.ts';
import { remediationIdSchema, type Started } from './remediation.ts';

/** What the steps of the entry workflow receive and return. */

/** load-remediation */
export const loadRemediationInput = z.strictObject({
  /** The execution's name: it becomes a part of what is looked for and answered. */
  execution: remediationIdSchema,
  input: z.unknown(),
});
export interface LoadedRemediation extends Started {
  cluster: z.output<typeof clusterSchema>;
}

const incidentSchema = z.enum(INCIDENTS);

const questionSchema = z.looseObject({ incident: incidentSchema, plan: z.looseObject({}) });

/** choose-runbook: from the diagnosis, and from what this execution has done so far. */
export const chooseRunbookInput = z.strictObject({
  cluster: clusterSchema,
  request: z.looseObject({
    cluster: z.string(),
    incident: incidentSchema.optional(),
    member: z.string().optional(),
    parameters: z.looseObject({}).optional(),
    dryRun: z.boolean(),
    reason: z.string(),
    requestedBy: z.string(),
  }),
  diagnosis: z.looseObject({
    incident: z.enum([...CONDITIONS, 'healthy']),
    summary: z.string(),
    others: z.array(z.enum(CONDITIONS)),
    warnings: z.array(z.looseObject({ kind: z.string(), message: z.string() })),
  }),
  /** Whether a maintenance window has started it. */
  maintenance: z.boolean(),
  /** When the execution entered this choice: what was seen of other executions before is too old. */
  enteredAt: z.iso.datetime(),
  /** The dry run that waits for a person's answer; null without one. */
  question: questionSchema.nullable(),
  /** How many diagnoses before this one, in a row, have found the cluster healthy. */
  healthyLooks: z.int(),
  /** The one that someone has approved of, and which has not run yet. */
  approved: questionSchema.nullable(),
  /** The runbooks that this execution has run: an outcome, or the name of an error. */
  rounds: z.array(z.looseObject({ incident: incidentSchema, runbook: z.string(), outcome: z.string() })),
  /** The runbooks that there are, each with what holds where a cluster's own policy does not say. */
  runbooks: z.partialRecord(
    incidentSchema,
    z.strictObject({ runbook: z.string(), policy: z.enum(['automatic', 'approval']) }),
  ),
});
export type ChooseRunbook = z.output<typeof chooseRunbookInput>;

/** Each with what follows, in a sentence. */
export type NextRunbook = { summary: string } & (
  | {
      /** `Ask`: what was asked is still the question. */
      action: 'Run' | 'Ask';
      incident: Incident;
      runbook: string;
      /** What is wrong, for the person who is asked. */
      problem: string;
      /** What the runbook is started with: its dry run, if it was asked for or has to be approved. */
      input: Record<string, unknown>;
    }
  | {
      /** With the error of the runbook that ran last. */
      action: 'Stop';
      incident: Incident;
      runbook: string;
    }
  | { action: 'Finish'; outcome: 'Remediated' | 'NothingToDo'; remaining: Condition[] }
);
