import type { AnsweringMember } from '../cluster/observation.ts';
import { isOlderRelease } from '../cluster/releases.ts';
import type { HostInspection } from '../hosts/host-command-results.ts';
import { WAL_BYTES } from '../hosts/host-fit.ts';
import { formatBytes } from '../text/format.ts';

/** etcd takes a snapshot of its log after so many entries, if --snapshot-count says nothing else. */
const snapshotCount = (version: string): bigint => (isOlderRelease(version, '3.6.0') ? 100_000n : 10_000n);

/**
 * That a new member may raise NOSPACE on its way in, in words; empty where that is not to be expected.
 *
 * As long as the cluster has taken no snapshot of its log, a new member is not sent the database: it applies every entry that there ever was. It
 * defragments nothing meanwhile, and compactions come later than the writes behind them. So its file grows as that of the others did before their
 * store was reclaimed, and where it passes the quota it raises NOSPACE for all of them (seen on 3.5.16: three members of 22 MiB, whose quota is 32 MiB,
 * refused every write once a learner had caught up).
 *
 * How much was ever written is told by the log in the old member's place, which has lost no file so far. Where that place is empty nobody knows.
 */
export function describeReplay(
  { version, raftAppliedIndex, dbSizeBytes, quotaBytes }: AnsweringMember,
  { dataDir, walDir }: Pick<HostInspection, 'dataDir' | 'walDir'>,
): string {
  if (quotaBytes === null || BigInt(raftAppliedIndex) >= snapshotCount(version)) return '';
  const writtenBytes = (walDir ? walDir.sizeBytes : dataDir.sizeBytes - dbSizeBytes) - WAL_BYTES;
  if (writtenBytes <= quotaBytes) return '';
  return (
    `the cluster has taken no snapshot of its log so far (${raftAppliedIndex} entries), so a new member applies all of it, about ${formatBytes(writtenBytes)}. Its ` +
    `database may pass its quota of ${formatBytes(quotaBytes)} on the way, and then etcd refuses every write until its store is reclaimed (space-exceeded)`
  );
}
