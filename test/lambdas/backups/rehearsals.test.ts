import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it, vi } from 'vitest';
import { backupKeys, rehearsalKey } from '../../../core/backups/names.ts';
import { findBackups } from '../../../lambdas/backups/find-backups.ts';
import { handler as plan } from '../../../lambdas/steps/plan-rehearsal.ts';
import { handler as record } from '../../../lambdas/steps/record-rehearsal.ts';
import { soleOwner } from '../../../local/aws/endpoint.ts';
import { BACKUP, CLUSTER as HOSTED, RESTORED } from '../../core/rehearsal/rehearsals.ts';
import { BUCKET, CREDENTIALS, clientOf } from '../../local/aws/s3-bucket.ts';
import { serveStaging } from '../staging/support.ts';

const CLUSTER = { ...HOSTED, backups: { bucket: BUCKET, prefix: 'orders/', everyMinutes: 60 } };
const ENDED = { cluster: CLUSTER, backup: BACKUP, member: 'node2', etcdVersion: '3.5.30', result: null, failure: null };
const BROKEN = { error: 'HostCommandFailed', cause: 'It broke.' };

describe('what is known of rehearsals', () => {
  const rehearsed = async () => (await findBackups(CLUSTER, 10)).rehearsed;

  it('is nothing at first, and then how the last has ended, and the last that has passed', async () => {
    await serveStaging();
    expect(await rehearsed()).toBeNull();
    expect(await record({ ...ENDED, result: RESTORED })).toMatchObject({ outcome: 'Passed' });
    const passed = { backup: BACKUP.name, member: 'node2', tookMs: RESTORED.tookMs };
    expect(await rehearsed()).toMatchObject({ last: { outcome: 'Passed' }, passed });
    expect(await record({ ...ENDED, failure: BROKEN })).toMatchObject({ outcome: 'Failed', ...BROKEN });
    expect(await rehearsed()).toMatchObject({ last: { outcome: 'Failed', problem: 'It broke.' }, passed });
    // It is no backup.
    expect((await findBackups(CLUSTER, 10)).count).toBe(0);
  });

  it('is unknown where it cannot be read, and only one that passes takes its place', async () => {
    const client = clientOf({ url: await serveStaging(), close: async () => undefined });
    const Key = rehearsalKey(CLUSTER);
    await client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: 'no JSON' }));
    expect(await rehearsed()).toBeUndefined();
    for (const failure of [BROKEN, { error: 'Postponed', cause: 'A remediation has it.' }]) {
      await record({ ...ENDED, failure });
      const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
      expect(await Body?.transformToString()).toBe('no JSON');
    }
    await record({ ...ENDED, result: RESTORED });
    expect(await rehearsed()).toMatchObject({ last: { outcome: 'Passed' }, passed: { backup: BACKUP.name } });
  });

  it('is since when they are put off, where none has come to an end', async () => {
    await serveStaging();
    const putOff = {
      ...ENDED,
      backup: null,
      member: '',
      failure: { error: 'Postponed', cause: 'A remediation has it.' },
    };
    expect(await record(putOff)).toMatchObject({ outcome: 'Postponed' });
    const first = await rehearsed();
    expect(first).toMatchObject({ last: { outcome: 'Postponed', problem: 'A remediation has it.' }, passed: null });
    await record(putOff);
    expect(await rehearsed()).toEqual(first);
    await record({ ...ENDED, failure: BROKEN });
    expect(await rehearsed()).toMatchObject({ last: { outcome: 'Failed' }, passed: null });
  });

  it('is not written where S3 refuses it, which ends the rehearsal', async () => {
    const iam = soleOwner(CREDENTIALS.accessKeyId);
    await serveStaging({ iam });
    iam.may = (_, { action }) => action !== 's3:PutObject';
    await expect(record({ ...ENDED, result: RESTORED })).rejects.toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringContaining('AccessDenied'),
    });
  });
});

describe('the plan of a rehearsal', () => {
  const request = { cluster: CLUSTER.name };

  it('is refused where S3 does not let it look', async () => {
    const iam = soleOwner(CREDENTIALS.accessKeyId);
    await serveStaging({ iam });
    iam.may = () => false;
    await expect(plan({ cluster: CLUSTER, request })).rejects.toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringContaining('AccessDenied'),
    });
  });

  it('is not made where S3 does not answer, which is no refusal', async () => {
    await serveStaging();
    vi.stubEnv('AWS_ENDPOINT_URL_S3', 'http://127.0.0.1:1');
    await expect(plan({ cluster: CLUSTER, request })).rejects.toMatchObject({ name: 'AwsUnavailable' });
  });

  it('is of the newest backup, or of the one whose name or key is given', async () => {
    const client = clientOf({ url: await serveStaging(), close: async () => undefined });
    const [older, newer] = ['2026-11-29T08:15:00.000Z', '2026-11-29T09:15:00.000Z'].map((at) =>
      backupKeys(CLUSTER, new Date(at)),
    );
    if (!older || !newer) throw new Error('There are two.');
    for (const { snapshot, record: Key } of [older, newer]) {
      await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: snapshot, Body: 'bytes' }));
      await client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: JSON.stringify(BACKUP.record) }));
    }
    const planned = async (backup?: string) => {
      const request = { cluster: CLUSTER.name, ...(backup !== undefined && { backup }) };
      return (await plan({ cluster: CLUSTER, request })).backup?.name;
    };
    expect(await planned()).toBe(newer.name);
    expect(await planned(older.name)).toBe(older.name);
    expect(await planned(older.snapshot)).toBe(older.name);
  });
});
