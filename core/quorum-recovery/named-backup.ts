import type { Cluster } from '../cluster/clusters.ts';
import { InvalidInput } from '../errors.ts';
import { START_AGAIN } from '../text/format.ts';
import type { QuorumParameters } from './contracts.ts';

/** That the backup of the request, if it names one, is where this runbook may read. @throws InvalidInput */
export function requireReadableBackup({ name, backups }: Cluster, { snapshot }: QuorumParameters): void {
  if (!snapshot) return;
  if (!backups) {
    throw new InvalidInput(
      `parameters.snapshot names "${snapshot.key}", and clusters.json names no "backups" for the cluster ${name}: the bucket that its ` +
        `snapshots are in. Add it, or leave parameters.snapshot out. ${START_AGAIN}`,
    );
  }
  if (snapshot.key.startsWith(backups.prefix)) return;
  throw new InvalidInput(
    `parameters.snapshot.key "${snapshot.key}" does not begin with "${backups.prefix}", and nothing else in the bucket ${backups.bucket} ` +
      'can be read: see "backups" of the cluster in clusters.json.',
  );
}
