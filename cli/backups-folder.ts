import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Option } from 'commander';
import type { Cluster } from '../core/cluster/clusters.ts';
import { InvalidInput } from '../core/errors.ts';
import type { HostsFile } from '../local/hosts/access.ts';

export interface BackupsFlag {
  /** The folder in which backups lie where there is no bucket. */
  backups?: string;
}

/** @param what the command does with it */
export function backupsOption(what: string): Option {
  return new Option(
    '--backups <folder>',
    `the folder that stands for the bucket of "backups" in clusters.json: ${what}`,
  );
}

/** A backup is rehearsed on a host of a member: where none is reached from here, none is. */
export function rehearsedWhereReached<Seen extends Cluster>(clusters: readonly Seen[], hosts: HostsFile): Seen[] {
  return clusters.map((cluster) => {
    const { backups, members } = cluster;
    const isReached = members.some(({ host }) => host !== undefined && Object.hasOwn(hosts, host));
    if (backups?.everyMinutes === undefined || isReached) return cluster;
    return { ...cluster, backups: { ...backups, rehearse: { everyDays: 0 } } };
  });
}

/** The clusters as they are seen from here, and the folder under the name of each bucket. Without a folder there are no backups here. */
export async function backupsFrom<Seen extends Cluster>(
  { backups: folder }: BackupsFlag,
  clusters: readonly Seen[],
): Promise<{ clusters: Seen[]; backups: Record<string, string> }> {
  if (folder === undefined) {
    return { clusters: clusters.map(({ backups: _, ...cluster }) => cluster as Seen), backups: {} };
  }
  const path = resolve(folder);
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory()) {
    throw new InvalidInput(`--backups ${folder} is no folder of this machine: make it, or correct the path.`);
  }
  const buckets = clusters.flatMap(({ backups }) => backups?.bucket ?? []);
  return { clusters: [...clusters], backups: Object.fromEntries(buckets.map((bucket) => [bucket, path])) };
}
