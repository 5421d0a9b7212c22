import type { ConfiguredMember, Layout } from '../contracts/clusters.ts';
import type { HostInspection } from '../contracts/host-command-results.ts';
import { PreconditionFailed } from '../errors.ts';
import { misfitsOf, roomMisfit, WAL_BYTES } from './host-fit.ts';
import { startCauses } from './start-causes.ts';

/** A host on which the snapshot is to be restored. */
export interface RestoreHost {
  configured: ConfiguredMember;
  layout: Layout;
  inspection: HostInspection;
  /** What lies in its scratch folder already, besides the snapshot that is restored. */
  scratchBytes: number;
}

/**
 * That every host can take the restored data, and etcd on it will run as its member.
 * @param compressedBytes the snapshot as it is sent; @param sizeBytes as a database
 * @throws PreconditionFailed naming everything that does not fit, on all hosts
 */
export function requireRecoveryFit(hosts: readonly RestoreHost[], compressedBytes: number, sizeBytes: number): void {
  const problems = hosts.flatMap(({ configured, layout, inspection, scratchBytes }) => {
    const { dataDir, walDir } = inspection;
    // The snapshot as it is sent, unpacked, and restored: for a moment all three lie there.
    const neededBytes = scratchBytes + compressedBytes + 2 * sizeBytes + WAL_BYTES;
    return [
      ...startCauses(inspection, neededBytes),
      ...misfitsOf(configured, layout, inspection, 'quorum-lost'),
      ...roomMisfit(dataDir, neededBytes, 'the snapshot and what is restored from it need'),
      ...(walDir ? roomMisfit(walDir, WAL_BYTES, 'the log needs') : []),
    ].map((problem) => `\n- ${configured.name} on ${configured.host}: ${problem}`);
  });
  problems.push(...differentReleases(hosts));
  if (problems.length === 0) return;
  throw new PreconditionFailed(
    `Not every host is ready for the restore; nothing was restored.${problems.join('')}\nCorrect this, then start again.`,
  );
}

/** A cluster is restored by one release of etcd: another one may not read what it writes. */
function differentReleases(hosts: readonly RestoreHost[]): string[] {
  const releases = hosts.flatMap(({ configured, inspection: { etcdVersion } }) =>
    etcdVersion === '' ? [] : [{ name: configured.name, etcdVersion, release: etcdVersion.split('.', 2).join('.') }],
  );
  if (new Set(releases.map(({ release }) => release)).size < 2) return [];
  const list = releases.map(({ name, etcdVersion }) => `${etcdVersion} on ${name}`).join(', ');
  return [`\n- the hosts have different releases of etcd: ${list}`];
}

/**
 * How far the revision is raised, so that no watcher sees it go back: by more than a cluster writes between its last snapshot and the
 * loss of its quorum. etcd can do so from 3.4.27 and 3.5.10 on (--bump-revision with --mark-compacted).
 */
const BUMP_REVISION = '1000000000';

/** `0` where the etcd of any host does not know how to raise a revision: all have to restore the same. */
export function bumpOf(hosts: readonly Pick<RestoreHost, 'inspection'>[]): string {
  return hosts.every(({ inspection }) => canBump(inspection.etcdVersion)) ? BUMP_REVISION : '0';
}

function canBump(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  if (major !== 3) return major > 3;
  return minor > 5 || (minor === 5 && patch >= 10) || (minor === 4 && patch >= 27);
}
