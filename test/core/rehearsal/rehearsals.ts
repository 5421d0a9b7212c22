import type { Rehearsals } from '../../../core/backups/rehearsal.ts';
import type { Cluster } from '../../../core/cluster/clusters.ts';
import type { RehearsedRestore } from '../../../core/hosts/host-command-results.ts';
import type { RehearsedBackup } from '../../../core/rehearsal/contracts.ts';
import { found } from '../backups/found.ts';
import { clusterOf, configured } from '../observations.ts';

/** A cluster of three members on hosts, whose backups are made here. */

export const NOW = new Date('2026-11-29T12:00:00.000Z');
export const PLACE = { bucket: 'backups', prefix: 'orders/', everyMinutes: 60 };
export const CLUSTER: Cluster = clusterOf(
  ['node1', 'node2', 'node3'].map((name) => configured(name)),
  { backups: PLACE },
);

/** `found` is of revision 3000, with a hash where that is said. */
export const FOUND = found('2026-11-29T08:15:00.000Z', 3000);
export const BACKUP: RehearsedBackup = { name: FOUND.name, bucket: 'backups', key: FOUND.key, record: FOUND.record };

export const RESTORED: RehearsedRestore = {
  revision: '3000',
  keys: 1000,
  hash: { hash: 7, compactRevision: '1' },
  tookMs: { fetch: 500, restore: 1500, start: 3100 },
};

/** What is known where one has passed so many days ago. */
export function passedBefore(days: number): Rehearsals {
  const at = new Date(NOW.getTime() - days * 24 * 3600_000).toISOString();
  const of = { at, backup: 'orders-old', member: 'node2' };
  return {
    format: 1,
    cluster: CLUSTER.name,
    last: { ...of, outcome: 'Passed', error: '', problem: '' },
    passed: {
      ...of,
      ...{ takenAt: at, etcdVersion: '3.5.30', revision: '1', sizeBytes: 1, unknown: [] },
      tookMs: { fetch: 500, restore: 1500, start: 3100 },
    },
  };
}
