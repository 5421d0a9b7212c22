import type { Observation } from '../../../core/cluster/observation.ts';
import type { AssessedQuota, SpaceParameters } from '../../../core/space-reclaim/contracts.ts';
import * as space from '../../../core/space-reclaim/decisions.ts';
import { clusterIn } from '../observations.ts';

/** The decisions of the space runbook, about a cluster whose configuration names exactly the members that were looked at. */

export function assessSpace(reading: Observation, parameters: SpaceParameters) {
  return space.assessSpace(reading, { cluster: clusterIn(reading), parameters });
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
  return space.chooseNextDefragmentation(reading, {
    cluster: clusterIn(reading),
    parameters,
    leftOut,
    quotas,
    withoutRoom,
    defragmented: [...defragmented],
    turn,
  });
}

export function chooseAlarmsToDisarm(
  reading: Observation,
  parameters: SpaceParameters,
  leftOut: string[] = [],
  quotas: AssessedQuota[] = [],
) {
  return space.chooseAlarmsToDisarm(reading, { cluster: clusterIn(reading), parameters, leftOut, quotas });
}

export function provenWrites(reading: Observation, leftOut: string[] = []) {
  return space.provenWrites(reading, { cluster: clusterIn(reading), leftOut, quotas: [] });
}
