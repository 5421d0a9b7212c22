import { userInfo } from 'node:os';
import { type Cluster, hostsOf } from '../core/cluster/clusters.ts';
import { requireNamedMember } from '../core/cluster/named-member.ts';
import { InvalidInput } from '../core/errors.ts';
import { wantedApproval } from '../core/remediation/approval.ts';
import { parseRemediationInput } from '../core/remediation/remediation.ts';
import type { Incident } from '../core/runbooks.ts';
import { RUNBOOKS } from '../core/runbooks.ts';
import type { JsonObject, JsonValue } from '../local/asl/json.ts';
import type { HostsFile } from '../local/hosts/access.ts';

/** What is asked of a runbook, on the command line. */
export interface RunRequest {
  member?: string;
  dryRun: boolean;
  approve: boolean;
  parameters?: JsonValue;
}

/**
 * The execution input, once it is certain that nothing is missing for the incident's runbook, where one is named.
 * @throws InvalidInput
 */
export function remediationInputFor(
  incident: Incident | undefined,
  cluster: Cluster,
  hosts: HostsFile,
  { member, dryRun, approve, parameters }: RunRequest,
): JsonObject {
  const input = {
    cluster: cluster.name,
    ...(incident && { incident }),
    dryRun,
    requestedBy: userInfo().username,
    ...(member !== undefined && { member }),
    ...(parameters !== undefined && { parameters }),
  };
  parseRemediationInput(input);
  requireNamedMember(cluster, input);
  if (!incident) return input;
  if (RUNBOOKS[incident].needsHosts) requireHosts(cluster, hosts);
  if (!dryRun && !approve) requireNoApproval(cluster, incident, parameters);
  return input;
}

/** A host that is not in the file is one that cannot be reached: the runbook says so when it needs it. */
function requireHosts(cluster: Cluster, hosts: HostsFile): void {
  const named = hostsOf(cluster);
  if (named.some((host) => Object.hasOwn(hosts, host))) return;
  throw new InvalidInput(
    (named.length === 0
      ? 'The configuration names no "host" for any member, and this runbook works on hosts: add them. '
      : `--hosts does not say how to reach any of the hosts ${named.map((host) => `"${host}"`).join(', ')}. `) +
      'Give each with --hosts FILE, as {"HOST": {"exec": ["ssh", "-o", "BatchMode=yes", "ADDRESS", "sudo", "bash"]}}: a command that runs what ' +
      'it reads on standard input in a shell.',
  );
}

function requireNoApproval({ name, policy }: Cluster, incident: Incident, parameters: unknown): void {
  const { entries } = wantedApproval(policy, incident, parameters, RUNBOOKS[incident].policy);
  if (entries.length === 0) return;
  throw new InvalidInput(
    `The policy of cluster ${name} asks for an approval of ${entries.join(', ')}. Look at the plan with --dry-run, then give --approve.`,
  );
}
