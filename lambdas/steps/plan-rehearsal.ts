import { ownBackupsOf } from '../../core/backups/contracts.ts';
import type { ListedBackup } from '../../core/backups/names.ts';
import { planRehearsalInput, type RehearsalPlan } from '../../core/rehearsal/contracts.ts';
import { planRehearsal } from '../../core/rehearsal/plan-rehearsal.ts';
import { measureEnd } from '../../core/rehearsal/settle-rehearsal.ts';
import { parse } from '../../core/text/parse.ts';
import { requireBackups } from '../backups/find-backups.ts';
import { logMetrics } from '../embedded-metrics.ts';

/**
 * Whether a backup is rehearsed now, and which: the one that is named, or the newest.
 * @throws InvalidInput where the configuration asks for no backups, or names no host; or where what is asked for is not there; PreconditionFailed;
 *   AwsUnavailable
 */
export async function handler(event: unknown): Promise<RehearsalPlan> {
  const { cluster, request } = parse(planRehearsalInput, event, "The step's input");
  const place = ownBackupsOf(cluster);
  const { backup } = request;
  const isWanted = ({ name, snapshot }: ListedBackup) => backup === undefined || backup === name || backup === snapshot;
  const found = await requireBackups(cluster, 1, isWanted);
  const plan = planRehearsal({ cluster, place, request, found, nowMs: Date.now() });
  if (plan.action === 'NotDue') logMetrics(measureEnd(cluster.name, { outcome: plan.action, rehearsal: null }));
  return plan;
}
