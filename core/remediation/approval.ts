import type { Cluster } from '../cluster/clusters.ts';
import { parse } from '../text/parse.ts';
import {
  type Incident,
  memberParametersSchema,
  quorumParametersSchema,
  tokenParametersSchema,
} from './execution-input.ts';

type Policy = NonNullable<Cluster['policy']>;
/** What a start may ask of a runbook beyond what it does by itself, and by which more may be lost. */
type Act = Exclude<keyof Policy, Incident>;

const DESCRIPTIONS: Readonly<Record<Act, string>> = {
  'force-backup': 'to restore a backup even where newer data is left',
  'fewer-members': 'to recover without members whose hosts or data cannot be had',
  'replace-host': 'to put a spare host in the place of a member',
  'toggle-authentication': 'to disable and enable authentication without trying a restart',
};

export interface WantedApproval {
  /** The entries of the policy that want one; empty where the runbook may run by itself. */
  entries: (keyof Policy)[];
  /** What the start asks for beyond what the runbook does by itself; empty for nothing. */
  asked: string;
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
): WantedApproval {
  const acts = actsOf(incident, parameters);
  return {
    entries: [
      ...((policy?.[incident] ?? usual) === 'approval' ? [incident] : []),
      ...acts.filter((act) => policy?.[act] !== 'automatic'),
    ],
    asked: acts.map((act) => `${DESCRIPTIONS[act]} (${act})`).join(', '),
  };
}

function actsOf(incident: Incident, parameters: unknown): Act[] {
  switch (incident) {
    case 'member-failed':
      return parse(memberParametersSchema, parameters ?? {}, 'parameters').replacement ? ['replace-host'] : [];
    case 'quorum-lost': {
      const { snapshot, acceptFewerMembers } = parse(quorumParametersSchema, parameters ?? {}, 'parameters');
      return [
        ...(snapshot?.force ? (['force-backup'] as const) : []),
        ...(acceptFewerMembers ? (['fewer-members'] as const) : []),
      ];
    }
    case 'auth-token-invalid':
      return parse(tokenParametersSchema, parameters ?? {}, 'parameters').strategy === 'toggle'
        ? ['toggle-authentication']
        : [];
    case 'space-exceeded':
      return [];
  }
}
