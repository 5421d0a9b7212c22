import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { mapAtOnce } from '../../client/at-once.ts';
import { requireRefusal } from '../../client/aws.ts';
import { type FoundBackups, ownBackupsOf } from '../../core/backups/contracts.ts';
import { backupsAmong, isWhole, type ListedBackup, rehearsalKey } from '../../core/backups/names.ts';
import { parseBackupRecord } from '../../core/backups/record.ts';
import type { Cluster } from '../../core/cluster/clusters.ts';
import { InvalidInput, RemediationError } from '../../core/errors.ts';
import { withBackups } from './bucket.ts';
import { listOwnKeys } from './list-keys.ts';
import { readRehearsals } from './rehearsals.ts';

const READ_AT_ONCE = 10;

type Found = FoundBackups['backups'][number];

/** The newest of a cluster's own backups, or of those that are wanted, with what is known of each. What S3 refuses, or does not answer, is a part of the answer. */
export async function findBackups(
  cluster: Cluster,
  most: number,
  isWanted: (listed: ListedBackup) => boolean = () => true,
): Promise<FoundBackups> {
  try {
    return await requireBackups(cluster, most, isWanted);
  } catch (error) {
    if (!(error instanceof RemediationError)) throw error;
    return { count: 0, backups: [], problem: error.message };
  }
}

/** The same. @throws PreconditionFailed where S3 refuses it; AwsUnavailable where it does not answer */
export async function requireBackups(
  cluster: Cluster,
  most: number,
  isWanted: (listed: ListedBackup) => boolean,
): Promise<FoundBackups> {
  return withBackups(cluster, 'backups', async (client) => {
    const keys = await listOwnKeys(client, cluster);
    const whole = backupsAmong(cluster, keys).filter((each) => isWhole(each) && isWanted(each));
    const backups = await mapAtOnce(whole.slice(0, most), READ_AT_ONCE, (each) => read(client, cluster, each));
    const rehearsed = await rehearsalsAmong(keys, client, cluster);
    return { count: whole.length, backups, problem: '', ...(rehearsed !== undefined && { rehearsed }) };
  });
}

/** Undefined where they cannot be read: that says nothing of the backups. */
async function rehearsalsAmong(keys: readonly string[], client: S3Client, cluster: Cluster) {
  if (!keys.includes(rehearsalKey(cluster))) return null;
  return readRehearsals(client, cluster).catch(() => undefined);
}

async function read(client: S3Client, cluster: Cluster, listed: ListedBackup): Promise<Found> {
  const { bucket: Bucket } = ownBackupsOf(cluster);
  const { name, snapshot: key, record: Key, takenAtMs } = listed;
  const found = { name, key, takenAt: new Date(takenAtMs).toISOString() };
  try {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
    return { ...found, record: parseBackupRecord((await Body?.transformToString()) ?? '', Key), problem: '' };
  } catch (error) {
    return { ...found, record: null, problem: problemOf(error, Key) };
  }
}

/** What is wrong with one says nothing of the others: a lifecycle rule has archived it, or an earlier key of KMS has encrypted it. */
function problemOf(error: unknown, key: string): string {
  if (error instanceof InvalidInput) return error.message;
  const { name, message } = requireRefusal(error, `S3, asked for ${key},`);
  return `${key}: S3 refused it: ${name}: ${message}`;
}
