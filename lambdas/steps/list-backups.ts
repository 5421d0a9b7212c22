import { type ListedBackups, listBackupsInput } from '../../core/diagnosis/check.ts';
import { summarizeBackups } from '../../core/diagnosis/summaries.ts';
import { parse } from '../../core/text/parse.ts';
import { findNewestBackup } from '../staging/backups.ts';

/** Which backup of a cluster is the newest. */
export async function handler(event: unknown): Promise<ListedBackups> {
  const { cluster } = parse(listBackupsInput, event, "The step's input");
  const backups = await findNewestBackup(cluster);
  return { backups, summary: summarizeBackups(backups) };
}
