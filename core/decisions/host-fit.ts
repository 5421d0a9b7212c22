import type { ConfiguredMember, Layout } from '../contracts/clusters.ts';
import type { HostInspection } from '../contracts/host-command-results.ts';
import { formatBytes } from '../format.ts';

/** etcd lays out its log in segments of 64 MiB, and prepares the next one while it writes the first. */
export const WAL_BYTES = 2 * 64 * 1024 * 1024;

/** Why etcd on this host could not be started as this member, or told its members: empty where it could. */
export function misfitsOf(configured: ConfiguredMember, layout: Layout, inspection: HostInspection): string[] {
  const { unit, etcdVersion, configuration } = inspection;
  const { overriding, initialAdvertisePeerUrls: announced } = configuration;
  const origin = new URL(configured.peerUrl).origin;
  const isAnnounced = announced.split(',').some((url) => URL.canParse(url.trim()) && new URL(url).origin === origin);
  return [
    unit.loadState !== 'loaded' && `systemd has no usable unit "${layout.unit}" (${unit.loadState})`,
    etcdVersion === '' && `there is no etcd in ${layout.binDir}`,
    configuration.file === '' &&
      'etcd reads neither a config file nor an environment file, so its membership can be written nowhere',
    overriding.length > 0 && `what would be written has no effect because of ${overriding.join(', ')}`,
    configuration.name !== configured.name &&
      `etcd is configured as "${configuration.name}", not as "${configured.name}"`,
    ...foldersMisfit(layout, inspection),
    !isAnnounced && `etcd announces the peer URL "${announced}", and clusters.json says ${configured.peerUrl}`,
  ].filter((problem) => problem !== false);
}

/** Where etcd's configuration and the cluster's layout name different folders: what was looked at is then not etcd's data. */
export function foldersMisfit(layout: Layout, { configuration }: Pick<HostInspection, 'configuration'>): string[] {
  return [
    !samePath(configuration.dataDir, layout.dataDir) &&
      `etcd's data dir is "${configuration.dataDir}", and clusters.json says ${layout.dataDir}`,
    !samePath(configuration.walDir, layout.walDir ?? '') &&
      `etcd's wal dir is "${configuration.walDir}", and clusters.json says ${layout.walDir ?? 'that there is none'}`,
  ].filter((problem) => problem !== false);
}

/** Those that a host's own etcd announces: a member that is added or restored must have them all, and no others. */
export function announcedPeerUrls({ configuration }: Pick<HostInspection, 'configuration'>): string[] {
  // etcd refuses a peer URL with a path, and takes "/" for one.
  return configuration.initialAdvertisePeerUrls
    .split(',')
    .map((url) => url.trim().replace(/\/$/, ''))
    .filter((url) => url !== '');
}

/** @param needs what takes the room: `the log needs` */
export function roomMisfit(
  { freeBytes, realPath }: HostInspection['dataDir'],
  neededBytes: number,
  needs: string,
): string[] {
  if (freeBytes >= neededBytes) return [];
  return [`${formatBytes(freeBytes)} are free at ${realPath}, and ${needs} ${formatBytes(neededBytes)}`];
}

function samePath(a: string, b: string): boolean {
  return a.replace(/\/+$/, '') === b.replace(/\/+$/, '');
}
