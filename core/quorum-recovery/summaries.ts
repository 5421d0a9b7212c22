import { ordinal } from '../runbook/summary.ts';
import type { QuorumAssessment, RecoveryPlan } from './contracts.ts';
import type { StageSnapshot } from './staging-contracts.ts';

/** What the steps of the quorum runbook have found or done, in a sentence each, where their own result does not say it. */

export function summarizeReading({ verdict, summary, readings }: QuorumAssessment): string {
  return verdict === 'Confirm' && readings.lost > 1 ? `Lost for the ${ordinal(readings.lost)} time.` : summary;
}

export function summarizePlan({ winner, loss }: RecoveryPlan): string {
  return `${winner.source} of ${winner.member}, revision ${winner.revision}; ${loss.explanation}`;
}

export function summarizeUpload(staged: StageSnapshot): string {
  switch (staged.action) {
    case 'Begin':
      return `The upload of ${staged.key} has begun.`;
    case 'Complete':
      return `${staged.key} is staged, in ${staged.parts.length} ${staged.parts.length === 1 ? 'part' : 'parts'}.`;
    case 'Discard':
      return `Nothing of ${staged.key} is staged any more.`;
  }
}
