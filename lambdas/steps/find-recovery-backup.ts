import { chooseBackup } from '../../core/quorum-recovery/choose-backup.ts';
import { findRecoveryBackupInput, type RecoveryBackup } from '../../core/quorum-recovery/contracts.ts';
import type { Summarized } from '../../core/runbook/summary.ts';
import { parse } from '../../core/text/parse.ts';
import { findBackups } from '../backups/find-backups.ts';

/** As many as anybody reads in an outage. */
const MOST = 10;

/** Which of the cluster's own backups a recovery takes, if any. That the bucket cannot be read is a part of the answer: what is left on hosts does not need it. */
export async function handler(event: unknown): Promise<RecoveryBackup & Summarized> {
  const input = parse(findRecoveryBackupInput, event, "The step's input");
  return chooseBackup(input, await findBackups(input.cluster, MOST));
}
