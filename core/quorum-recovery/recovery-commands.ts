import type { Cluster, ConfiguredMember, Layout } from '../cluster/clusters.ts';
import type { HostInspection } from '../hosts/host-command-results.ts';
import { placeOf } from '../hosts/host-place.ts';
import type { HostCommand } from '../hosts/run-host-commands.ts';
import { seenLog, startOf } from '../hosts/service-commands.ts';
import type { Compressor } from './compressor.ts';

/** The host commands of a quorum recovery, as each host's layout needs them. All throw PreconditionFailed for a member without a host. */

type Parameters = (layout: Layout, member: ConfiguredMember) => Record<string, string>;

function command(cluster: Cluster, name: string, parametersOf: Parameters): HostCommand {
  const { member, host, layout } = placeOf(cluster, name);
  return { member: name, host, parameters: parametersOf(layout, member) };
}

const foldersOf = ({ dataDir, walDir }: Layout) => ({ dataDir, walDir: walDir ?? '' });
const ownersOf = ({ user, group }: Layout) => ({ user, group });

/** Without a quorum none is ready before the others are. @param inspection what was seen on its host */
export function launchOf(
  cluster: Cluster,
  member: string,
  inspection: Pick<HostInspection, 'clusterId' | 'raftLog'>,
): HostCommand {
  return startOf(cluster, member, 'start-without-waiting', seenLog(inspection));
}

/** What of a snapshot stays on its host. */
interface Kept {
  execution: string;
  keep: boolean;
  compressor: Compressor;
}

export function salvageOf(cluster: Cluster, member: string, { execution, keep, compressor }: Kept): HostCommand {
  return command(cluster, member, (layout) => ({
    unit: layout.unit,
    ...foldersOf(layout),
    binDir: layout.binDir,
    ...ownersOf(layout),
    keep: keep ? 'yes' : 'no',
    compressor,
    execution,
  }));
}

/** Without its URL, which is made when it is sent. @param sha256 of the object; empty where it is not known */
export function examineOf(
  cluster: Cluster,
  member: string,
  { execution, keep, compressor, sha256 }: Kept & { sha256: string },
): HostCommand {
  return command(cluster, member, ({ dataDir, binDir }) => ({
    dataDir,
    binDir,
    keep: keep ? 'yes' : 'no',
    compressor,
    execution,
    sha256,
  }));
}

export function revertOf(cluster: Cluster, member: string, execution: string): HostCommand {
  return command(cluster, member, (layout) => ({
    unit: layout.unit,
    ...foldersOf(layout),
    ...ownersOf(layout),
    execution,
  }));
}

/** From the first of these on that is sent, the restored data is kept. */
export function startRestoredOf(cluster: Cluster, member: string, execution: string): HostCommand {
  return command(cluster, member, (layout) => ({ unit: layout.unit, ...foldersOf(layout), execution }));
}

/** `undo` where the data is in its own place, `commit` where what was restored is everywhere, `forget` once that has been proven. */
type Outcome = 'undo' | 'commit' | 'forget';

export function discardOf(cluster: Cluster, member: string, execution: string, outcome: Outcome): HostCommand {
  return command(cluster, member, (layout) => ({ ...foldersOf(layout), outcome, execution }));
}

/** Without what tells one part from another, and without its URL. */
export function sendOf(cluster: Cluster, member: string, execution: string, source: 'data' | 'backup'): HostCommand {
  return command(cluster, member, ({ dataDir }) => ({ dataDir, execution, source }));
}

/** What all hosts restore alike. */
export interface Restoration {
  execution: string;
  initialCluster: string;
  token: string;
  sha256: string;
  sizeBytes: string;
  hashCheck: 'yes' | 'no';
  revision: string;
  bumpRevision: string;
}

export function restoreOf(
  cluster: Cluster,
  member: string,
  peerUrls: readonly string[],
  { token: initialClusterToken, ...restoration }: Restoration,
): HostCommand {
  return command(cluster, member, (layout) => ({
    ...foldersOf(layout),
    binDir: layout.binDir,
    ...ownersOf(layout),
    name: member,
    peerUrls: peerUrls.join(','),
    initialClusterToken,
    ...restoration,
  }));
}

/**
 * @param data `leave` for a member that is not restored: it is only stopped
 * @param replaceNewer whether even data that is newer than the restored revision is moved aside for it
 */
export function swapOf(
  cluster: Cluster,
  member: string,
  data: 'swap' | 'leave',
  { execution, initialCluster, token, revision, replaceNewer }: Restoration & { replaceNewer: boolean },
): HostCommand {
  return command(cluster, member, (layout) => ({
    unit: layout.unit,
    data,
    ...foldersOf(layout),
    configFile: layout.configFile,
    binDir: layout.binDir,
    ...ownersOf(layout),
    initialCluster,
    initialClusterToken: token,
    execution,
    revision,
    replaceNewer: replaceNewer ? 'yes' : 'no',
  }));
}
