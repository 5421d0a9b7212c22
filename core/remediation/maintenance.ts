import type { Cluster } from '../cluster/clusters.ts';
import { windowEnd } from '../cluster/maintenance.ts';
import { InvalidInput } from '../errors.ts';
import { type ExecutionInput, executionInputSchemas } from '../runbooks.ts';
import { START_AGAIN } from '../text/format.ts';
import { wantedApproval } from './approval.ts';
import type { ChooseRunbook } from './remediation-steps.ts';

/** Who has requested what a window has started. */
const BY_SCHEDULE = 'maintenance';

/** With these a cluster is well enough; with every other warning it waits for a person, and not for a defragmentation. */
const NO_OBSTACLES = [
  'fragmented',
  'known-defect',
  'even-voters',
  'hosts-unknown',
  'backups-unknown',
  'certificate-expiring',
];

/** The question would be a page in the quiet hours, and the answer may come when the window is over and the cluster is another. */
const ASKS_NOBODY =
  'The policy of the cluster wants an approval for space-exceeded, and maintenance asks nobody for one. Let the policy say "automatic", or remove ' +
  '"maintenance" from clusters.json.';

/** The clock here may be behind the scheduler's. */
const CLOCK_MS = 60_000;

/** What a cluster's maintenance window starts: a space reclaim by its own rule, until its end. @throws InvalidInput where it has none */
export function maintenanceRequest(cluster: Cluster, now: Date): ExecutionInput {
  const { name, maintenance } = cluster;
  if (!maintenance) {
    throw new InvalidInput(`clusters.json has no "maintenance" for the cluster ${name}. Add it. ${START_AGAIN}`);
  }
  const { days: _, from, to, ...rule } = maintenance;
  return executionInputSchemas['space-exceeded'].parse({
    cluster: name,
    reason: `maintenance window from ${from} to ${to} UTC`,
    requestedBy: BY_SCHEDULE,
    parameters: { ...rule, until: windowEnd(maintenance, new Date(now.getTime() + CLOCK_MS)).toISOString() },
  });
}

/** Why nothing is done in a maintenance window; undefined where it may be. A runbook that finds nothing to reclaim says so itself. */
export function whyNoMaintenance(input: ChooseRunbook): string | undefined {
  const { cluster, diagnosis, request, enteredAt, runbooks } = input;
  const { until } = Object(request.parameters) as { until?: string };
  if (until !== undefined && Date.parse(until) <= Date.parse(enteredAt)) return `The window was over at ${until}.`;
  if (diagnosis.incident !== 'healthy') return `The cluster has ${diagnosis.incident}: ${diagnosis.summary}`;
  const obstacles = diagnosis.warnings.filter(({ kind }) => !NO_OBSTACLES.includes(kind));
  if (obstacles.length > 0) return obstacles.map(({ kind, message }) => `${kind}: ${message}`).join(' ');
  const usual = runbooks['space-exceeded']?.policy ?? 'automatic';
  const { entries } = wantedApproval(cluster.policy, 'space-exceeded', request.parameters, usual);
  return entries.length === 0 ? undefined : ASKS_NOBODY;
}
