import type { ConfiguredMember, Layout } from '../cluster/clusters.ts';
import { isNewer, isOlderRelease, isSameRelease } from '../cluster/releases.ts';
import { PreconditionFailed } from '../errors.ts';
import type { HostInspection } from '../hosts/host-command-results.ts';
import { misfitsOf, roomMisfit, WAL_BYTES } from '../hosts/host-fit.ts';
import { startCauses } from '../hosts/start-causes.ts';

/** A host on which the snapshot is to be restored. */
export interface RestoreHost {
  configured: ConfiguredMember;
  layout: Layout;
  inspection: HostInspection;
  /** What is in its scratch folder already, besides the snapshot that is restored. */
  scratchBytes: number;
}

/** What is to be restored. */
interface RestoredSnapshot {
  /** Whose data it is, or who has fetched the backup. */
  member: string;
  /** The release whose storage it is; empty where that is not known. */
  version: string;
  /** As it is sent, and as a database. */
  compressedBytes: number;
  sizeBytes: number;
}

/** A host, as far as its release of etcd goes. */
type ReleasedHost = Pick<RestoreHost, 'configured'> & { inspection: Pick<HostInspection, 'etcdVersion'> };

/**
 * That every host can take the restored data, and etcd on it will run as its member.
 * @throws PreconditionFailed naming everything that does not fit, on all hosts
 */
export function requireRecoveryFit(
  hosts: readonly RestoreHost[],
  lateCertificates: Readonly<Record<string, string[]>>,
  snapshot: RestoredSnapshot,
): void {
  const { compressedBytes, sizeBytes } = snapshot;
  const problems = [
    ...hosts.flatMap((host) =>
      [...restoreMisfits(host, compressedBytes, sizeBytes), ...(lateCertificates[host.configured.name] ?? [])].map(
        (problem) => `\n- ${host.configured.name} on ${host.configured.host}: ${problem}`,
      ),
    ),
    ...[...releasesMisfit(hosts), ...newerSnapshot(hosts, snapshot)].map((problem) => `\n- ${problem}`),
  ];
  if (problems.length === 0) return;
  throw new PreconditionFailed(
    `Not every host is ready for the restore; nothing was restored.${problems.join('')}\nCorrect this, then start again.`,
  );
}

/** Why one host could not take the restored data: empty where it could. */
export function restoreMisfits(
  { configured, layout, inspection, scratchBytes }: RestoreHost,
  compressedBytes: number,
  sizeBytes: number,
): string[] {
  const { dataDir, walDir } = inspection;
  // The snapshot as it is sent, unpacked, and restored: for a moment all three lie there.
  const neededBytes = scratchBytes + compressedBytes + 2 * sizeBytes + WAL_BYTES;
  return [
    ...startCauses(inspection, neededBytes),
    ...misfitsOf(configured, layout, inspection, 'quorum-lost'),
    ...roomMisfit(dataDir, neededBytes, 'the snapshot and what is restored from it need'),
    ...(walDir ? roomMisfit(walDir, WAL_BYTES, 'the log needs') : []),
  ];
}

/** A cluster is restored by one release of etcd: another one may not read what it writes. */
export function releasesMisfit(hosts: readonly ReleasedHost[]): string[] {
  const known = hosts.filter(({ inspection }) => inspection.etcdVersion !== '');
  const releases = Map.groupBy(known, ({ inspection }) => inspection.etcdVersion.split('.', 2).join('.'));
  if (releases.size < 2) return [];
  const list = known.map(({ configured, inspection }) => `${inspection.etcdVersion} on ${configured.name}`).join(', ');
  const newest = known.map(({ inspection }) => inspection.etcdVersion).reduce((a, b) => (isNewer(b, a) ? b : a));
  const behind = known.filter(({ inspection }) => !isSameRelease(inspection.etcdVersion, newest));
  return [
    `the hosts have different releases of etcd: ${list}. The newest may have written what an older one cannot read: install etcd ${newest} ` +
      `on ${behind.map(({ configured }) => configured.host).join(', ')} as well`,
  ];
}

/**
 * etcd's programs restore a snapshot of a newer release without a word, and etcd itself then refuses to start from it: `version "3.7.0" is
 * not supported` (measured with a snapshot of 3.7.3 on 3.6.16).
 */
function newerSnapshot(hosts: readonly RestoreHost[], { member, version }: RestoredSnapshot): string[] {
  const older = hosts.filter(
    ({ inspection: { etcdVersion } }) => version !== '' && etcdVersion !== '' && isOlderRelease(etcdVersion, version),
  );
  if (older.length === 0) return [];
  const list = older.map(({ configured, inspection }) => `${inspection.etcdVersion} on ${configured.name}`).join(', ');
  return [
    `the snapshot of ${member} was written by etcd ${version.split('.', 2).join('.')}, and an older etcd does not start from it: ${list}`,
  ];
}

/**
 * How far the revision is raised, so that no watcher sees it go back. It is more than a cluster writes between its last snapshot
 * and the loss of its quorum. etcd can do so from 3.4.27 and 3.5.10 on (--bump-revision with --mark-compacted).
 */
export const BUMP_REVISION = '1000000000';

/** `0` where the etcd of any host does not know how to raise a revision: all have to restore the same. */
export function bumpOf(hosts: readonly Pick<RestoreHost, 'inspection'>[]): string {
  return hosts.every(({ inspection }) => canBump(inspection.etcdVersion)) ? BUMP_REVISION : '0';
}

function canBump(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  if (major !== 3) return major > 3;
  return minor > 5 || (minor === 5 && patch >= 10) || (minor === 4 && patch >= 27);
}
