import { RemediationError } from '../../core/errors.ts';
import { type RecordedRehearsal, recordRehearsalInput } from '../../core/rehearsal/contracts.ts';
import { measureRehearsal, settleRehearsal } from '../../core/rehearsal/settle-rehearsal.ts';
import { parse } from '../../core/text/parse.ts';
import { withBackups } from '../backups/bucket.ts';
import { findRehearsals, writeRehearsals } from '../backups/rehearsals.ts';
import { logMetrics } from '../embedded-metrics.ts';

/**
 * Compares what was restored with what was recorded, and writes down what came of the rehearsal, beside the backups. It is measured first: that the
 * bucket cannot be written may be the very reason why one has failed.
 * @throws PreconditionFailed where S3 refuses it; AwsUnavailable
 */
export async function handler(event: unknown): Promise<RecordedRehearsal> {
  const input = parse(recordRehearsalInput, event, "The step's input");
  const { cluster } = input;
  const now = new Date();
  const before = await withBackups(cluster, 'rehearsing', (client) => findRehearsals(client, cluster)).catch(asUnknown);
  const settled = settleRehearsal(input, before, now);
  logMetrics(measureRehearsal(cluster, settled, before, now));
  const { recorded, rehearsals } = settled;
  if (rehearsals) await withBackups(cluster, 'rehearsing', (client) => writeRehearsals(client, cluster, rehearsals));
  return recorded;
}

function asUnknown(error: unknown): undefined {
  if (error instanceof RemediationError) return undefined;
  throw error;
}
