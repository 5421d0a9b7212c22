import type { Condition, Diagnosis } from './diagnosis.ts';
import type { Incident } from './execution-input.ts';
import type { ApprovalAnswer } from './remediation-items.ts';

/** What a remediation ends with that does not fail. */
export type RemediationReport =
  | {
      outcome: 'AlreadyInProgress';
      cluster: string;
      /** The remediation that has the cluster's lock: its ID, and since when. Empty where it ended meanwhile. */
      holder: { remediation: string; execution: string; startedAt: string };
      summary: string;
    }
  | {
      outcome: 'Remediated' | 'NothingToDo' | 'Planned';
      cluster: string;
      reason: string;
      requestedBy: string;
      summary: string;
      /** One for each runbook that ran, in order. */
      rounds: Round[];
      approvals: Approval[];
      /** At the end; of a dry run at its beginning. */
      diagnosis: Diagnosis;
      /** What is still wrong. */
      remaining: Condition[];
    };

export interface Round {
  incident: Incident;
  runbook: string;
  /** The ARN of the runbook's execution; empty where it was never started. */
  execution: string;
  /** Or the name of the error that it ended with. */
  outcome: string;
  /** The runbook's whole output; of one that failed its cause, as `summary`. */
  report: unknown;
}

interface Approval extends ApprovalAnswer {
  incident: Incident;
  /** ISO 8601. */
  at: string;
}
