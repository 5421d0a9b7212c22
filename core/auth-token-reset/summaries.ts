import { sameAgain, words } from '../runbook/summary.ts';
import type { NextTokenAction, ToggledAuthentication, TokenAssessment, TokenResetPlan } from './contracts.ts';

/** What the steps of the auth token runbook have found or done, in a sentence each. */

export function summarizeReading({ verdict, summary, readings }: TokenAssessment): string {
  return verdict === 'Confirm' && readings.equal > 1 ? sameAgain(readings.equal) : summary;
}

export function summarizePlan({ steps }: TokenResetPlan): string {
  return `${steps.join('; ')}.`;
}

export function summarizeNextTokenAction(next: NextTokenAction): string {
  if (next.action === 'Finish') return 'No member rejects tokens.';
  return `Next: ${words(next.action)}${'member' in next ? ` ${next.member}` : ''}.`;
}

export function summarizeToggle({ window }: ToggledAuthentication): string {
  return window?.enabledAt
    ? `Authentication was disabled for ${window.enabledAt - window.disabledAt} ms.`
    : 'Not now: the cluster has changed.';
}
