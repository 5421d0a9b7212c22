import { setTimeout as sleep } from 'node:timers/promises';
import { isQuotaInDanger, type RoomToQuota } from '../../core/backups/quota.ts';
import { EtcdUnavailable, PreconditionFailed, RemediationError } from '../../core/errors.ts';
import { formatBytes } from '../../core/text/format.ts';
import type { EtcdMember } from '../etcd/member.ts';

const EVERY_MS = 1_000;
/** A member that takes so long for one read has more important things to do. */
const PATIENCE_MS = 3_000;

/**
 * Runs something that a member has a moment of its database kept for, and ends it as soon as the member serves no reads any more: a defragmentation of it,
 * whoever has asked for that, waits for all such moments to be given up, and meanwhile the member serves nobody. It also ends before the database, in which
 * no page is used again meanwhile, grows up to its quota.
 * @throws EtcdUnavailable, PreconditionFailed where it was ended for that
 */
export async function whileItServes<Result>(
  member: EtcdMember,
  run: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const stopping = new AbortController();
  const done = new AbortController();
  const watching = watch(member, stopping, done.signal);
  try {
    return await run(stopping.signal);
  } catch (error) {
    // However the stream and its consumers put it.
    throw stopping.signal.aborted ? stopping.signal.reason : error;
  } finally {
    done.abort();
    await watching;
  }
}

async function watch(member: EtcdMember, stopping: AbortController, done: AbortSignal): Promise<void> {
  let first: RoomToQuota | undefined;
  while (!done.aborted) {
    await sleep(EVERY_MS, undefined, { signal: done }).catch(() => undefined);
    if (done.aborted) return;
    try {
      await member.probe(PATIENCE_MS);
      const now = await member.status(PATIENCE_MS);
      first ??= now;
      if (!isQuotaInDanger(first, now)) continue;
      stopping.abort(tooCloseToQuota(member.name, first, now));
      return;
    } catch (error) {
      if (!(error instanceof RemediationError)) throw error;
      stopping.abort(
        new EtcdUnavailable(
          `${member.name} serves no reads any more, so the backup gives way: it may be about to be defragmented, which waits for a snapshot to end. ${error.message}`,
        ),
      );
      return;
    }
  }
}

function tooCloseToQuota(member: string, first: RoomToQuota, now: RoomToQuota): PreconditionFailed {
  const [grown, left] = [now.dbSizeBytes - first.dbSizeBytes, (now.quotaBytes ?? 0) - now.dbSizeBytes];
  return new PreconditionFailed(
    `The database of ${member} grew by ${formatBytes(grown)} during the backup, for etcd uses no page again meanwhile. ${formatBytes(Math.max(0, left))} are left ` +
      'to its quota, at which the whole cluster refuses writes (NOSPACE). So the backup gave way. Back up when less is written, or raise ' +
      '--quota-backend-bytes.',
  );
}
