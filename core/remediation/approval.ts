import type { Cluster } from '../cluster/clusters.ts';
import { type Incident, RUNBOOKS } from '../runbooks.ts';
import { parse } from '../text/parse.ts';

type Policy = NonNullable<Cluster['policy']>;

export interface ApprovalNeed {
  /** The entries of the policy that ask for one; empty if the runbook may run without. */
  entries: string[];
  /** What the start asks for beyond what the runbook does by itself; empty for nothing. */
  acts: string;
}

/**
 * What may run without an approval depends on what may be lost. The policy of the incident covers what its runbook always does. Each act
 * beyond that waits for an approval, unless the policy names that act.
 * @param parameters of the start, as anybody has given them
 * @param usual what holds where the policy does not name the incident
 */
export function wantedApproval(
  policy: Policy | undefined,
  incident: Incident,
  parameters: unknown,
  usual: 'automatic' | 'approval',
): ApprovalNeed {
  const { input, acts } = RUNBOOKS[incident];
  const given = parse(input.shape.parameters, parameters ?? {}, 'parameters') as object;
  const requested = Object.entries(acts).filter(([, act]) => act.isRequestedBy(given));
  return {
    entries: [
      ...((policy?.[incident] ?? usual) === 'approval' ? [incident] : []),
      ...requested.flatMap(([act]) => (policy?.[act] === 'automatic' ? [] : [act])),
    ],
    acts: requested.map(([act, { description }]) => `${description} (${act})`).join(', '),
  };
}
