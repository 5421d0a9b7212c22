import type { Context } from 'aws-lambda';
import { type CopyDatabaseEnd, copyDatabaseInput, partsOf } from '../../core/backups/by-host.ts';
import { orderSources } from '../../core/backups/choose-source.ts';
import { ownBackupsOf, summarizeBackup } from '../../core/backups/contracts.ts';
import { backupKeys } from '../../core/backups/names.ts';
import { EtcdUnavailable, PreconditionFailed } from '../../core/errors.ts';
import { parse } from '../../core/text/parse.ts';
import { copyByHost } from '../backups/copy-by-host.ts';
import { beginHostUpload } from '../backups/host-upload.ts';
import { whileItServes } from '../backups/while-it-serves.ts';
import { connect } from '../etcd/cluster.ts';

/** To cancel the command on the host, and to say so. */
const LAMBDA_RESERVE_MS = 20_000;

/**
 * Lets the host of a member copy its database, which takes a function too long to read, and begins the upload of the copy. Nothing changes in etcd. Where
 * another backup works on that host, it gives way.
 * @throws PreconditionFailed where the host refuses it, or its copy takes longer than a function can wait for it; EtcdUnavailable where the next try may do
 *   better; HostCommandFailed, HostUnreachable, UnsafeToProceed, AwsUnavailable
 */
export async function handler(event: unknown, context: Context): Promise<CopyDatabaseEnd> {
  const { cluster, member: name, ...of } = parse(copyDatabaseInput, event, "The step's input");
  const limitMs = Math.max(0, context.getRemainingTimeInMillis() - LAMBDA_RESERVE_MS);
  const etcd = await connect(cluster, 'backing-up');
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(tooLate(name, limitMs)), limitMs);
  try {
    const sources = orderSources(cluster, await etcd.observe());
    if (!sources.some(({ member }) => member === name)) {
      throw new EtcdUnavailable(
        `${name} has fallen behind, or follows no leader any more, so its host copies nothing.`,
      );
    }
    const member = etcd.member(name);
    const end = await whileItServes(member, (serving) =>
      copyByHost(cluster, member, {
        ...{ ...of, deadlineMs: limitMs + LAMBDA_RESERVE_MS },
        signal: AbortSignal.any([serving, late.signal]),
      }),
    );
    if ('gaveWay' in end) return { action: 'Postpone', copied: null, summary: end.gaveWay };
    const { draft, sizeBytes } = end;
    const uploadId = await beginHostUpload(cluster, draft.takenAt);
    const { bucket } = ownBackupsOf(cluster);
    const object = { bucket, key: backupKeys(cluster, new Date(draft.takenAt)).snapshot, uploadId };
    const parts = partsOf(cluster, { member: name, execution: of.execution, sizeBytes, object });
    return { action: 'Copied', copied: { draft, uploadId, parts }, summary: summarizeBackup(draft) };
  } finally {
    clearTimeout(timer);
    etcd.close();
  }
}

function tooLate(member: string, limitMs: number): PreconditionFailed {
  return new PreconditionFailed(
    `The host of ${member} had not copied its database after ${Math.round(limitMs / 1000)} s, and no function can keep a snapshot open for longer. The copy was ` +
      'given up. Look what is slow there, the disk or the processor: it copies with the lowest priority. Or make a snapshot on it by hand (etcdctl snapshot save).',
  );
}
