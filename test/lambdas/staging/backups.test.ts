import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Cluster } from '../../../core/cluster/clusters.ts';
import { findNewestBackup } from '../../../lambdas/staging/backups.ts';
import { serveRefusal } from './support.ts';

const CLUSTER: Cluster = {
  name: 'orders',
  members: [{ name: 'm1', clientUrl: 'http://127.0.0.1:1', peerUrl: 'http://127.0.0.1:2' }],
  quotaBackendBytes: 1,
  backups: { bucket: 'backups', prefix: 'orders/' },
};

/** Answers each request with the next page. @returns what was asked for */
async function serveList(...pages: string[]): Promise<string[]> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response
      .writeHead(200, { 'Content-Type': 'application/xml' })
      .end(`<ListBucketResult>${pages.shift()}</ListBucketResult>`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  vi.stubEnv('AWS_ENDPOINT_URL_S3', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv('AWS_REGION', 'local');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'any');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'any');
  return asked;
}

const object = (key: string, at: string) => `<Contents><Key>${key}</Key><LastModified>${at}</LastModified></Contents>`;

describe('the backups of a cluster', () => {
  it('are told by the newest below the prefix, on whichever page it is', async () => {
    const asked = await serveList(
      `<IsTruncated>true</IsTruncated><NextContinuationToken>more</NextContinuationToken>${object('orders/b.db', '2026-11-27T01:00:00.000Z')}`,
      object('orders/a.db', '2026-11-26T01:00:00.000Z') + object('orders/c.db', '2026-11-28T01:00:00.000Z'),
    );
    expect(await findNewestBackup(CLUSTER)).toEqual({
      place: 's3://backups/orders/',
      newestKey: 'orders/c.db',
      newestAt: '2026-11-28T01:00:00.000Z',
      problem: '',
      own: null,
    });
    expect(asked).toHaveLength(2);
    expect(asked[0]).toContain('prefix=orders%2F');
  });

  it('are none where nothing is there, or none is named', async () => {
    await serveList('');
    expect(await findNewestBackup(CLUSTER)).toMatchObject({ newestKey: '', problem: '' });
    const { backups: _, ...without } = CLUSTER;
    expect(await findNewestBackup(without)).toBeNull();
  });

  it('are told as not seen where S3 refuses', async () => {
    await serveRefusal(403, 'AccessDenied');
    expect(await findNewestBackup(CLUSTER)).toMatchObject({
      newestKey: '',
      problem: expect.stringContaining('AccessDenied'),
    });
  });
});
