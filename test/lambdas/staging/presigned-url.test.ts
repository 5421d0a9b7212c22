import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { StoredObject } from '../../../core/quorum-recovery/staging-contracts.ts';
import { TEXT_RULES, textSchema } from '../../../core/text/text-rules.ts';
import { presignedUrl } from '../../../lambdas/staging/presigned-url.ts';
import { serveRefusal, serveStaging } from './support.ts';

const rule = textSchema(TEXT_RULES.presignedUrl);
const READ: StoredObject = { access: 'read', key: 'orders/run-1.db.gz' };
const PART: StoredObject = { access: 'write-part', key: 'orders/run-1.db.gz', uploadId: 'a.b_c-d~e', partNumber: 7 };
const WHOLE: StoredObject = { access: 'write', key: 'orders/run-1.db.gz' };
const BACKUP = { access: 'read-backup', bucket: 'backups', key: 'orders/monday.db' } as const;

/** As a deployed function has them: a session token of the length that AWS gives at most. */
async function deployed(region: string): Promise<void> {
  await serveStaging();
  vi.stubEnv('AWS_ENDPOINT_URL_S3', undefined);
  vi.stubEnv('AWS_REGION', region);
  vi.stubEnv('AWS_SESSION_TOKEN', `${'IQoJb3JpZ2luX2VjE//'.repeat(100)}+==`);
}

describe('a presigned URL', () => {
  it.each([
    ['eu-central-1', 'amazonaws.com'],
    ['us-east-1', 'amazonaws.com'],
    ['cn-north-1', 'amazonaws.com.cn'],
  ])(
    'leads to the bucket in %s over TLS, for as long as its transfer needs, and may be a parameter of a command',
    async (region, domain) => {
      await deployed(region);
      for (const object of [READ, WHOLE, PART]) {
        const url = await presignedUrl(object, 'orders');
        expect(rule.safeParse(url).error).toBeUndefined();
        const { protocol, host, pathname, searchParams } = new URL(url);
        expect([protocol, host, pathname]).toEqual([
          'https:',
          `staging-bucket.s3.${region}.${domain}`,
          '/orders/run-1.db.gz',
        ]);
        expect(Number(searchParams.get('X-Amz-Expires'))).toBe(900);
      }
    },
  );

  it('wants nothing of its host but the host and the body: no checksum and no header', async () => {
    await deployed('eu-central-1');
    for (const object of [READ, WHOLE, PART]) {
      const { searchParams } = new URL(await presignedUrl(object, 'orders'));
      expect(searchParams.get('X-Amz-SignedHeaders')).toBe('host');
      expect([...searchParams.keys()].filter((name) => /checksum/i.test(name))).toEqual([]);
    }
  });

  it.each(["orders/a b+ü'(1)!*~.db", 'x=1&y=2?z#%41', 'orders/$(id)`id`"\\.db', 'a\nb'])(
    'may be a parameter of a command whatever its key is: %j',
    async (key) => {
      await serveStaging();
      expect(rule.safeParse(await presignedUrl({ access: 'read', key }, 'orders')).error).toBeUndefined();
    },
  );

  it.each(['127.0.0.1', '::1'])('may lead to this machine, at %s', async (address) => {
    const endpoint = await serveStaging({ address });
    const url = await presignedUrl(READ, 'orders');
    expect(url.startsWith(`${endpoint}/staging-bucket/orders/run-1.db.gz?`)).toBe(true);
    expect(rule.safeParse(url).error).toBeUndefined();
  });

  it('is not made without credentials', async () => {
    await deployed('eu-central-1');
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']) vi.stubEnv(name, undefined);
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    vi.stubEnv('AWS_CONFIG_FILE', '/dev/null');
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null');
    await expect(presignedUrl(READ, 'orders')).rejects.toMatchObject({
      name: 'AwsUnavailable',
      message: expect.stringMatching(
        /^S3, asked for orders\/run-1\.db\.gz, was not answered: CredentialsProviderError/,
      ),
    });
  });
});

describe('a backup', () => {
  /** @param content of the backup */
  async function serveBackup(content = 'the backup'): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'backup-test-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'monday.db'), content);
    await serveStaging({ folders: { backups: folder } });
  }

  it('is read from its own bucket', async () => {
    await serveBackup();
    const response = await fetch(await presignedUrl({ ...BACKUP, key: 'monday.db' }, 'orders'));
    expect([response.status, await response.text()]).toEqual([200, 'the backup']);
  });

  it('that is not there is named, with where to look', async () => {
    await serveBackup();
    await expect(presignedUrl(BACKUP, 'orders')).rejects.toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringMatching(
        /^the backup "orders\/monday\.db" in backups: S3 refused it: NoSuchKey: .*\nThere is no such object\. Look at "key" of parameters\.snapshot/,
      ),
    });
  });

  it('whose bucket is not there is named, with where to look', async () => {
    await serveStaging();
    await expect(presignedUrl(BACKUP, 'orders')).rejects.toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringMatching(
        /"orders\/monday\.db" in backups: .*NoSuchBucket: .*\nThe bucket does not exist\. Correct "backups"/,
      ),
    });
  });

  it('that is empty is none', async () => {
    await serveBackup('');
    await expect(presignedUrl({ ...BACKUP, key: 'monday.db' }, 'orders')).rejects.toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringMatching(/InvalidRange: .*\nIt is empty, so it is no snapshot/),
    });
  });

  it.each([
    [403, 'AccessDenied', /It is not there, for so S3 answers too; or .*"backups".* KMS key .*does not let the role/],
    [301, 'PermanentRedirect', /The bucket is in another region\. Copy the backup/],
    [403, 'InvalidObjectState', /It is archived\. Restore it/],
  ])('that S3 does not give is told by S3 and by what it means: %i %s', async (status, code, meaning) => {
    await serveRefusal(status, code);
    const reading = presignedUrl(BACKUP, 'orders');
    await expect(reading).rejects.toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringMatching(meaning),
    });
    await expect(reading).rejects.toThrow(`S3 refused it: ${code}: `);
  });

  it('is asked for again later where S3 has no time', async () => {
    await serveRefusal(503, 'SlowDown');
    await expect(presignedUrl(BACKUP, 'orders')).rejects.toMatchObject({ name: 'AwsUnavailable' });
  });
});
