import type { Cluster } from '../cluster/clusters.ts';
import type { HostInspection } from './host-command-results.ts';
import { placeOf } from './host-place.ts';
import type { HostCommand } from './run-host-commands.ts';

/** The commands that start and stop a member's service. All throw PreconditionFailed for a member without a host. */

/** What was seen of a member's log. Its service is started only if this is still there. */
export interface SeenLog {
  /** In hex; empty if unknown. */
  clusterId: string;
  /** An index up to which it goes; empty if unknown. */
  commitIndex: string;
}

const NOTHING_SEEN: SeenLog = { clusterId: '', commitIndex: '' };

export function stopOf(cluster: Cluster, member: string): HostCommand {
  return control(cluster, member, 'stop', NOTHING_SEEN);
}

export function startOf(
  cluster: Cluster,
  member: string,
  action: 'start' | 'start-without-waiting' | 'restart',
  seen: SeenLog,
): HostCommand {
  return control(cluster, member, action, seen);
}

/**
 * What a look at its host has found of its log. etcd writes a snapshot that it has received before the record of it, so a member that was killed in between
 * knows of more as committed than its log holds. It starts on that as well.
 */
export function seenLog({ clusterId, raftLog }: Pick<HostInspection, 'clusterId' | 'raftLog'>): SeenLog {
  const { commitIndex = '', lastIndex = '' } = raftLog ?? {};
  const endsBefore = commitIndex !== '' && lastIndex !== '' && BigInt(lastIndex) < BigInt(commitIndex);
  return { clusterId, commitIndex: endsBefore ? lastIndex : commitIndex };
}

function control(cluster: Cluster, name: string, action: string, seen: SeenLog): HostCommand {
  const { host, layout } = placeOf(cluster, name);
  const { unit, dataDir, walDir } = layout;
  return { member: name, host, parameters: { unit, action, dataDir, walDir: walDir ?? '', ...seen } };
}
