import type { Incident } from '../core/contracts/execution-input.ts';
import { outcomeOf } from '../drills/conditions.ts';
import { type BaseStage, CLUSTER_NAME } from '../drills/stage.ts';
import type { JsonObject } from '../local/asl/json.ts';

/**
 * Lets the runbook for an incident remediate a stage's cluster.
 * @throws Error where it fails, and where it finds nothing to do: then nothing was measured
 */
export async function runRunbook({ platform }: BaseStage, incident: Incident, parameters: JsonObject): Promise<void> {
  const execution = await platform.execute({ incident, input: { cluster: CLUSTER_NAME, parameters } });
  if (execution.status !== 'SUCCEEDED') throw new Error(`The runbook failed. ${execution.error}: ${execution.cause}`);
  const outcome = outcomeOf(execution.output);
  if (outcome !== 'Remediated') throw new Error(`The runbook ended with ${outcome}, so there is nothing to compare.`);
}
