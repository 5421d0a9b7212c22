import type { HistoryEvent } from '@aws-sdk/client-sfn';
import type { Incident } from '../core/runbooks.ts';
import { reportedOutcome } from '../drills/conditions.ts';
import { type BaseStage, CLUSTER_NAME } from '../drills/stage.ts';
import type { JsonObject } from '../local/asl/json.ts';

/**
 * Lets the runbook for an incident remediate a stage's cluster.
 * @returns how many milliseconds it has waited to be sure of the incident: how long is a matter of policy, and not of speed
 * @throws Error where it fails, and where it finds nothing to do: then nothing was measured
 */
export async function runRunbook({ platform }: BaseStage, incident: Incident, parameters: JsonObject): Promise<number> {
  const execution = await platform.execute({ incident, input: { cluster: CLUSTER_NAME, parameters } });
  if (execution.status !== 'SUCCEEDED') throw new Error(`The runbook failed. ${execution.error}: ${execution.cause}`);
  const outcome = reportedOutcome(execution.output);
  if (outcome !== 'Remediated') throw new Error(`The runbook ended with ${outcome}, so there is nothing to compare.`);
  return waitedMs(execution.history, 'Wait before the next reading');
}

function waitedMs(history: readonly HistoryEvent[], state: string): number {
  let sum = 0;
  let enteredAt = 0;
  for (const { timestamp, stateEnteredEventDetails: entered, stateExitedEventDetails: exited } of history) {
    if (entered?.name === state) enteredAt = timestamp?.getTime() ?? 0;
    if (exited?.name === state) sum += (timestamp?.getTime() ?? 0) - enteredAt;
  }
  return sum;
}
