import type { ConfiguredMember, Layout } from '../cluster/clusters.ts';
import { ignoresExperimental } from '../cluster/releases.ts';
import { formatBytes } from '../text/format.ts';
import type { HostInspection } from './host-command-results.ts';

/** etcd lays out its log in segments of 64 MiB, and prepares the next one while it writes the first. */
export const WAL_BYTES = 2 * 64 * 1024 * 1024;

/** Why etcd on this host could not be started as this member, or told its members: empty where it could. */
export function misfitsOf(
  configured: ConfiguredMember,
  layout: Layout,
  inspection: HostInspection,
  incident: 'member-failed' | 'quorum-lost',
): string[] {
  const { etcdVersion, refusals, configuration } = inspection;
  // Whatever else is asked of a host by a wrong unit follows from that.
  const noUnit = refusals.find(({ refusal }) => refusal === 'unit-missing');
  if (noUnit) return [noUnit.message];
  return [
    ...refusals.filter((each) => each.incident === 'any' || each.incident === incident).map(({ message }) => message),
    etcdVersion === '' && `there is no etcd in ${layout.binDir}`,
    configuration.name !== configured.name && nameMisfit(configured.name, configuration),
    ...foldersMisfit(layout, inspection),
    !isAnnounced(configured, configuration) && announcesMisfit(configured, configuration),
  ].filter((problem) => problem !== false);
}

type Configuration = HostInspection['configuration'];

function isAnnounced({ peerUrl }: ConfiguredMember, { initialAdvertisePeerUrls }: Configuration): boolean {
  const { origin } = new URL(peerUrl);
  return initialAdvertisePeerUrls
    .split(',')
    .some((url) => URL.canParse(url.trim()) && new URL(url.trim()).origin === origin);
}

function announcesMisfit({ peerUrl }: ConfiguredMember, { initialAdvertisePeerUrls }: Configuration): string {
  return `etcd announces the peer URL "${initialAdvertisePeerUrls}", and clusters.json says ${peerUrl}`;
}

/** Why the etcd on this host is not this member: what is there says nothing of the member. Empty where it is, or where its configuration does not say. */
export function otherMemberOn(configured: ConfiguredMember, { configuration }: HostInspection): string {
  if (configuration.initialAdvertisePeerUrls === '' || isAnnounced(configured, configuration)) return '';
  return announcesMisfit(configured, configuration);
}

/** @param name as in clusters.json */
function nameMisfit(name: string, { name: own, format, file }: HostInspection['configuration']): string {
  if (own !== '') return `etcd is configured as "${own}", not as "${name}"`;
  const where =
    format === 'yaml'
      ? `"name: ${name}" in ${file}, for etcd ignores its flags beside a config file`
      : `ETCD_NAME=${name} in ${file}`;
  return `etcd is configured without a name, and calls itself "default": set ${where}`;
}

/** Where etcd's configuration and the cluster's layout name different folders: what was looked at is then not etcd's data. */
export function foldersMisfit(layout: Layout, { configuration }: Pick<HostInspection, 'configuration'>): string[] {
  return [
    !samePath(configuration.dataDir, layout.dataDir) &&
      `etcd's data dir is "${configuration.dataDir}", and clusters.json says ${layout.dataDir}`,
    !samePath(configuration.walDir, layout.walDir ?? '') &&
      `${configuration.walDir === '' ? 'etcd has no wal dir of its own' : `etcd's wal dir is "${configuration.walDir}"`}, and clusters.json says ${layout.walDir ?? 'that there is none'}`,
  ].filter((problem) => problem !== false);
}

/** Settings that this host's etcd passes over, in words; empty if there are none. etcd starts all the same. */
export function ignoredSettings({ etcdVersion, configuration }: HostInspection): string {
  const { experimental, file } = configuration;
  if (experimental.length === 0 || !ignoresExperimental(etcdVersion)) return '';
  return `etcd ${etcdVersion} ignores ${experimental.join(', ')}${file && ` in ${file}`}`;
}

/** Those that a host's own etcd announces: a member that is added or restored must have them all, and no others. */
export function announcedPeerUrls({ configuration }: Pick<HostInspection, 'configuration'>): string[] {
  // etcd refuses a peer URL with a path, and takes "/" for one.
  return configuration.initialAdvertisePeerUrls
    .split(',')
    .map((url) => url.trim().replace(/\/$/, ''))
    .filter((url) => url !== '');
}

/** What is moved aside: all that is etcd's, and nothing else. */
export function foldersOf({ dataDir, walDir }: Layout): string[] {
  const member = `${dataDir.replace(/\/+$/, '')}/member`;
  return walDir === null || walDir.startsWith(`${member}/`) ? [member] : [member, walDir];
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
