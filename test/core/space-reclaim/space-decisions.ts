import type { Observation } from '../../../core/cluster/observation.ts';
import * as assessment from '../../../core/space-reclaim/assess-space.ts';
import type { AssessedQuota, SpaceParameters } from '../../../core/space-reclaim/contracts.ts';
import * as disarming from '../../../core/space-reclaim/disarmed-alarms.ts';
import * as defragmentation from '../../../core/space-reclaim/next-defragmentation.ts';
import * as proof from '../../../core/space-reclaim/proven-writes.ts';
import { clusterIn } from '../observations.ts';

export const NOW_MS = Date.parse('2026-11-29T03:00:00Z');

/** The decisions of the space runbook, about a cluster whose configuration names exactly the members that were looked at. */

export function assessSpace(reading: Observation, parameters: SpaceParameters) {
  return assessment.assessSpace(reading, { cluster: clusterIn(reading), parameters });
}

export function chooseNextDefragmentation(
  reading: Observation,
  parameters: SpaceParameters,
  defragmented: readonly string[],
  turn: number,
  leftOut: string[] = [],
  quotas: AssessedQuota[] = [],
  withoutRoom: string[] = [],
) {
  const request = {
    cluster: clusterIn(reading),
    parameters,
    leftOut,
    quotas,
    withoutRoom,
    defragmented: [...defragmented],
    turn,
  };
  return defragmentation.chooseNextDefragmentation(reading, request, NOW_MS);
}

export function chooseAlarmsToDisarm(
  reading: Observation,
  parameters: SpaceParameters,
  leftOut: string[] = [],
  quotas: AssessedQuota[] = [],
) {
  return disarming.chooseAlarmsToDisarm(reading, { cluster: clusterIn(reading), parameters, leftOut, quotas });
}

export function provenWrites(reading: Observation, leftOut: string[] = []) {
  return proof.provenWrites(reading, { cluster: clusterIn(reading), leftOut, quotas: [] });
}
