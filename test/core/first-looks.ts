import type { TokenObservation } from '../../core/auth-token-reset/contracts.ts';
import { assessTokens } from '../../core/auth-token-reset/token-assessment.ts';
import type { Cluster } from '../../core/cluster/clusters.ts';
import type { Observation } from '../../core/cluster/observation.ts';
import { memberParametersSchema } from '../../core/member-replacement/contracts.ts';
import { assessMembers } from '../../core/member-replacement/member-assessment.ts';
import { assessSpace } from '../../core/space-reclaim/assess-space.ts';
import { spaceParametersSchema } from '../../core/space-reclaim/contracts.ts';
import { parse } from '../../core/text/parse.ts';
import { failureOf } from './observations.ts';

/** What one runbook says at its first look, where it refuses. */
export interface FirstRefusal {
  runbook: string;
  name: string;
  message: string;
}

type Probes = TokenObservation['probes'];

/** The refusals of the runbooks that need a leader, each of what was seen. @throws where one of them does not refuse */
export function firstRefusals(seen: Observation, cluster: Cluster, probes: Probes): FirstRefusal[] {
  const looks = {
    'member-failed': () =>
      assessMembers(seen, {
        cluster,
        parameters: parse(memberParametersSchema, {}, 'parameters'),
        member: '',
        readings: { targets: [], equal: 0, total: 0 },
      }),
    'space-exceeded': () => firstLookAtSpace(seen, cluster),
    'auth-token-invalid': () =>
      assessTokens(
        { ...seen, probes, window: null },
        {
          cluster,
          parameters: { strategy: 'restart-then-toggle', confirmSeconds: 15 },
          readings: { statuses: [], equal: 0, total: 0 },
        },
      ),
  };
  return Object.entries(looks).map(([runbook, look]) => ({ runbook, ...failureOf(look) }));
}

export function firstLookAtSpace(seen: Observation, cluster: Cluster) {
  return assessSpace(seen, { cluster, parameters: parse(spaceParametersSchema, {}, 'parameters') });
}
