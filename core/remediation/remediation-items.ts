import type { Incident } from '../runbooks.ts';

/**
 * What is written down of remediations, in one table with the key (`cluster`, `id`): for each cluster at most one lock, a record of each
 * remediation that took it, and whether a person was called for it and not called off since. As DynamoDB's attribute values are once unmarshalled.
 */

/** The sort key of a cluster's lock. */
export const LOCK_ID = 'lock';

/** The sort key of what says that a person was called for the last failure. It comes before every record, which begin with a year. */
export const PAGED_ID = '#paged';

/** Which remediation has a cluster. Only the execution that wrote the lock acts on the cluster. */
export interface LockItem {
  cluster: string;
  id: typeof LOCK_ID;
  /** The ARN of the execution, and its name. */
  owner: string;
  remediation: string;
  /** ISO 8601. */
  startedAt: string;
  /** Seconds since 1970. After it the lock is anybody's: no execution lasts as long. */
  expiresAt: number;
  /** While it waits for one. */
  approval?: ApprovalQuestion;
  /** The input of a remediation that an alarm has started meanwhile, as JSON: the release of the lock starts one with it. */
  missed?: string;
}

/** What a person is asked. */
export interface ApprovalQuestion {
  /** Of the question: an answer names it, so a plan cannot be approved that was not read. */
  id: string;
  /** Ends the wait when it is sent to Step Functions. */
  token: string;
  incident: Incident;
  runbook: string;
  /** What is wrong. */
  summary: string;
  /** The runbook's own dry run, as JSON. */
  plan: string;
  /** ISO 8601. */
  expiresAt: string;
}

/** A person's answer: what ends the wait of the workflow. */
export interface ApprovalAnswer {
  decision: 'approve' | 'reject';
  /** Who, as AWS knows them. */
  by: string;
  reason: string;
}

/** How a remediation ended. Its sort key begins with when it began, so that a cluster's history is in order. */
export interface RecordItem {
  cluster: string;
  /** `2026-11-26T23:20:00.000Z#NAME` */
  id: string;
  remediation: string;
  owner: string;
  startedAt: string;
  endedAt: string;
  /** An outcome, or the name of an error; `ABORTED` or `TIMED_OUT` where the execution was ended from outside. */
  outcome: string;
  /** The request, who approved of what, a summary (of an error its cause), the rounds, and what is left, as JSON. */
  report: string;
}
