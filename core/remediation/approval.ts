import type { Cluster } from '../cluster/clusters.ts';
import { type Incident, RUNBOOKS } from '../runbooks.ts';
import { parse } from '../text/parse.ts';

type Policy = NonNullable<Cluster['policy']>;

export interface ApprovalNeed {
  /** The entries of the policy that want one; empty where the runbook may run by itself. */
  entries: string[];
  /** What the start asks for beyond what the runbook does by itself; empty for nothing. */
  acts: string;
}

/**
 * Who may go without an approval is said by what may be lost: the policy of the incident is for what its runbook does by itself, and each act
 * beyond that waits unless the policy names the very act.
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
