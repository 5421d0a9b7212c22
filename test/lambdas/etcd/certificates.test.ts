import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cluster } from '../../../core/contracts/clusters.ts';
import { readCertificates } from '../../../lambdas/etcd/certificates.ts';
import { type ClusterCertificates, issueCertificates } from '../../../local/etcd/certificates.ts';

let own: ClusterCertificates;
let foreign: ClusterCertificates;
let server: Server;
let port: number;
beforeAll(async () => {
  [own, foreign] = await Promise.all([issueCertificates(), issueCertificates()]);
  server = createServer({ ...own.server, ca: own.ca, requestCert: true, rejectUnauthorized: true });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => new Promise((resolve) => server?.close(resolve)));

function clusterAt(clientUrl: string): Cluster {
  return { name: 'orders', members: [{ name: 'm1', clientUrl, peerUrl: 'https://127.0.0.1:1' }], quotaBackendBytes: 1 };
}
const at = (host: string) => clusterAt(`https://${host}:${port}`);
const trusted = () => ({ tls: { ca: own.ca, ...own.client } });

describe('the certificates of a cluster', () => {
  it('are those of the secret and those that members show, each with its end', async () => {
    const found = await readCertificates(at('127.0.0.1'), trusted());
    expect(found.map(({ owner, problem }) => [owner, problem])).toEqual([
      ['the CA of the tls secret', ''],
      ['the client certificate of the tls secret', ''],
      ['the certificate of m1', ''],
    ]);
    for (const { endsAt } of found) expect(Date.parse(endsAt)).toBeGreaterThan(Date.now());
  });

  it.each<[string, string, () => object, string]>([
    ['of another CA', '127.0.0.1', () => ({ ca: foreign.ca, ...own.client }), 'clients do not take it'],
    ['for another name', '127.0.0.2', () => ({ ca: own.ca, ...own.client }), 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ])('show what is wrong with one %s', async (_, host, tls, problem) => {
    // The whole of 127.0.0.0/8 is loopback on Linux; elsewhere nothing answers there.
    const other = createServer({ ...own.server });
    await new Promise<void>((resolve) => other.listen(0, host, resolve));
    try {
      const url = `https://${host}:${(other.address() as AddressInfo).port}`;
      const found = await readCertificates(clusterAt(url), { tls: tls() as never });
      expect(found.at(-1)).toMatchObject({ owner: 'the certificate of m1', problem: expect.stringContaining(problem) });
      expect(found.at(-1)?.endsAt).not.toBe('');
    } finally {
      await new Promise((resolve) => other.close(resolve));
    }
  });

  it('show that of a member which refuses the client', async () => {
    const found = await readCertificates(at('127.0.0.1'), { tls: { ca: own.ca } });
    expect(found.map(({ owner }) => owner)).toEqual(['the CA of the tls secret', 'the certificate of m1']);
  });

  it('leave out a member that does not answer, or speaks no TLS', async () => {
    const silent = await readCertificates(clusterAt('https://127.0.0.1:1'), trusted());
    expect(silent).toHaveLength(2);
    expect(await readCertificates(clusterAt(`http://127.0.0.1:${port}`), {})).toEqual([]);
  });

  it('say which of the secret cannot be read', async () => {
    const [first] = await readCertificates(clusterAt('https://127.0.0.1:1'), { tls: { ca: '-----BEGIN nothing' } });
    expect(first).toMatchObject({
      owner: 'the CA of the tls secret',
      endsAt: '',
      problem: expect.stringContaining('cannot be read'),
    });
  });
});
