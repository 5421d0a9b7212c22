import type { Cluster } from '../cluster/clusters.ts';

/**
 * A backup is two objects: the snapshot, compressed, and what is known of it, which is written last. Without that it is no backup: whatever made it
 * was cut off.
 */
const SNAPSHOT = '.db.gz';
const RECORD = '.json';

export interface BackupKeys {
  /** `orders-20261129T081500.123Z` */
  name: string;
  snapshot: string;
  record: string;
}

/** The beginning of the keys of a cluster's own backups: others may lie beside them, and are never touched. */
export function keysOfCluster({ name, backups }: Cluster): string {
  return `${backups?.prefix ?? ''}${name}-`;
}

export function backupKeys(cluster: Cluster, takenAt: Date): BackupKeys {
  const at = takenAt.toISOString().replaceAll(/[-:]/g, '');
  const name = `${cluster.name}-${at}`;
  const key = `${keysOfCluster(cluster)}${at}`;
  return { name, snapshot: `${key}${SNAPSHOT}`, record: `${key}${RECORD}` };
}

/** What is known of the rehearsals of a cluster's backups. It is no backup, and stays when those expire. */
export function rehearsalKey(cluster: Cluster): string {
  return `${keysOfCluster(cluster)}rehearsal.json`;
}

/** What IAM holds the keys of a cluster's own backups against: those of `orders-eu` begin with `orders-`, too, and are none of `orders`. */
export function patternOfKeys(cluster: Cluster, kind: typeof RECORD | '*' = '*'): string {
  return `${keysOfCluster(cluster)}????????T??????.???Z${kind}`;
}

/** One of a cluster's own backups, as far as a list of keys tells. */
export interface ListedBackup extends BackupKeys {
  /** Milliseconds since 1970. */
  takenAtMs: number;
  hasSnapshot: boolean;
  hasRecord: boolean;
}

/** The cluster's own backups among these keys, the newest first. */
export function backupsAmong(cluster: Cluster, keys: readonly string[]): ListedBackup[] {
  const found = new Map<string, ListedBackup>();
  const beginning = keysOfCluster(cluster);
  for (const key of keys) {
    if (!key.startsWith(beginning)) continue;
    const [, at, kind] = /^(\d{8}T\d{6}\.\d{3}Z)(\.db\.gz|\.json)$/.exec(key.slice(beginning.length)) ?? [];
    if (at === undefined) continue;
    const takenAtMs = Date.parse(at.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)/, '$1-$2-$3T$4:$5:'));
    if (Number.isNaN(takenAtMs)) continue;
    const each = found.get(at) ?? {
      ...backupKeys(cluster, new Date(takenAtMs)),
      takenAtMs,
      hasSnapshot: false,
      hasRecord: false,
    };
    found.set(at, kind === SNAPSHOT ? { ...each, hasSnapshot: true } : { ...each, hasRecord: true });
  }
  return [...found.values()].toSorted((a, b) => b.takenAtMs - a.takenAtMs);
}

/** Whether it can be restored, as far as a list of keys tells. */
export function isWhole({ hasSnapshot, hasRecord }: ListedBackup): boolean {
  return hasSnapshot && hasRecord;
}
