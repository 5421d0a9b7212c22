import type { Backups } from '../../core/diagnosis/check.ts';
import { listBackupsInput } from '../../core/diagnosis/check.ts';
import { parse } from '../../core/text/parse.ts';
import { lookForBackups } from '../staging/backups.ts';

/** Which backup of a cluster is the newest: null where the configuration names no place for any. */
export async function handler(event: unknown): Promise<Backups | null> {
  const { cluster } = parse(listBackupsInput, event, "The step's input");
  return lookForBackups(cluster);
}
