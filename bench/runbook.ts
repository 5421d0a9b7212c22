import type { HistoryEvent } from '@aws-sdk/client-sfn';
import type { Incident } from '../core/runbooks.ts';
import { reportedOutcome } from '../drills/conditions.ts';
import { type BaseStage, CLUSTER_NAME } from '../drills/stage.ts';
import type { JsonObject } from '../local/asl/json.ts';

/**
 * Lets the runbook for an incident remediate a stage's cluster.
 * @returns how many milliseconds it has taken to be sure of the incident, as far as its parameters ask for them: a matter of policy, and not of speed
 * @throws Error where it fails, and where it finds nothing to do: then nothing was measured
 */
export async function runRunbook({ platform }: BaseStage, incident: Incident, parameters: JsonObject): Promise<number> {
  const execution = await platform.execute({ incident, input: { cluster: CLUSTER_NAME, parameters } });
  if (execution.status !== 'SUCCEEDED') throw new Error(`The runbook failed. ${execution.error}: ${execution.cause}`);
  const outcome = reportedOutcome(execution.output);
  if (outcome !== 'Remediated') throw new Error(`The runbook ended with ${outcome}, so there is nothing to compare.`);
  return confirmedMs(execution.history, parameters);
}

/** The readings of an incident have to span that time, whatever else is done meanwhile. */
function confirmedMs(history: readonly HistoryEvent[], { confirmSeconds = 0 }: JsonObject): number {
  const readings = history.flatMap(({ timestamp, stateEnteredEventDetails: entered }) =>
    entered?.name?.startsWith('Assess ') ? [timestamp?.getTime() ?? 0] : [],
  );
  const spanMs = (readings.at(-1) ?? 0) - (readings[0] ?? 0);
  return Math.min(spanMs, 2 * Math.ceil(Number(confirmSeconds) / 2) * 1000);
}
