import { sameAgain } from '../runbook/summary.ts';
import type { DataAssessment, DisarmedCorruption } from './contracts.ts';

/** What the steps of the runbook for differing data have found or done, in a sentence each. */

export function summarizeData({ verdict, summary, readings }: DataAssessment): string {
  return verdict === 'Confirm' && readings.equal > 1 ? sameAgain(readings.equal) : summary;
}

export function summarizeDisarmed({ disarmed, revision }: DisarmedCorruption): string {
  const same = `Every voter holds the same data at revision ${revision}.`;
  return disarmed.length === 0 ? `${same} No alarm is raised.` : `${same} ${disarmed.length} disarmed, none is left.`;
}
