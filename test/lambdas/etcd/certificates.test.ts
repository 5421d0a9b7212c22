import { X509Certificate } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConfiguredMember } from '../../../core/cluster/clusters.ts';
import { lateCertificates, readCertificates, withHosts } from '../../../lambdas/etcd/certificates.ts';
import { type ClusterCertificates, issueCertificates } from '../../../local/etcd/certificates.ts';
import { inspection } from '../../core/observations.ts';

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

function membersAt(clientUrl: string): ConfiguredMember[] {
  return [{ name: 'm1', clientUrl, peerUrl: 'https://127.0.0.1:1' }];
}
const at = (host: string) => membersAt(`https://${host}:${port}`);
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
    [
      'for another name',
      '127.0.0.2',
      () => ({ ca: own.ca, ...own.client }),
      'It is for IP Address:127.0.0.1, DNS:localhost, and clientUrl names 127.0.0.2',
    ],
  ])('show what is wrong with one %s', async (_, host, tls, problem) => {
    // The whole of 127.0.0.0/8 is loopback on Linux; elsewhere nothing answers there.
    const other = createServer({ ...own.server });
    await new Promise<void>((resolve) => other.listen(0, host, resolve));
    try {
      const url = `https://${host}:${(other.address() as AddressInfo).port}`;
      const found = await readCertificates(membersAt(url), { tls: tls() as never });
      expect(found.at(-1)).toMatchObject({ owner: 'the certificate of m1', problem: expect.stringContaining(problem) });
      expect(found.at(-1)?.endsAt).not.toBe('');
    } finally {
      await new Promise((resolve) => other.close(resolve));
    }
  });

  it('show that a CA has ended, of a certificate that holds itself', async () => {
    const dayMs = 24 * 60 * 60 * 1000;
    const caLifetime = { notBefore: new Date(Date.now() - 9 * dayMs), notAfter: new Date(Date.now() - dayMs) };
    const late = await issueCertificates([], { caLifetime });
    const other = createServer({ ...late.server });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    try {
      const url = `https://127.0.0.1:${(other.address() as AddressInfo).port}`;
      const [ca, shown] = await readCertificates(membersAt(url), { tls: { ca: late.ca } });
      expect(Date.parse(ca?.endsAt ?? '')).toBeLessThan(Date.now());
      expect(shown?.problem).toMatch(/\(CERT_HAS_EXPIRED\)\. It holds itself, and the certificate of a CA above it/);
    } finally {
      await new Promise((resolve) => other.close(resolve));
    }
  });

  it('leave an old CA of a bundle out once it has ended, where what members show is of another one', async () => {
    const dayMs = 24 * 60 * 60 * 1000;
    const lifetime = (days: number) => ({
      notBefore: new Date(Date.now() - 9 * dayMs),
      notAfter: new Date(Date.now() + days * dayMs),
    });
    const [old, next] = await Promise.all([-1, 5].map((days) => issueCertificates([], { caLifetime: lifetime(days) })));
    const daysLeft = async (...bundle: (ClusterCertificates | undefined)[]) => {
      const ca = bundle.map((each) => each?.ca).join('\n');
      const [first] = await readCertificates(at('127.0.0.1'), { tls: { ca, ...own.client } });
      return Math.round((Date.parse(first?.endsAt ?? '') - Date.now()) / dayMs);
    };
    expect(await daysLeft(old, own)).toBe(30);
    expect(await daysLeft(own, next, old)).toBe(5);
    // Nothing shows that it is not the one by which members are known.
    expect(await daysLeft(old, next)).toBe(-1);
  });

  it('show that of a member which refuses the client', async () => {
    const found = await readCertificates(at('127.0.0.1'), { tls: { ca: own.ca } });
    expect(found.map(({ owner }) => owner)).toEqual(['the CA of the tls secret', 'the certificate of m1']);
  });

  it('leave out a member that does not answer, or speaks no TLS', async () => {
    const silent = await readCertificates(membersAt('https://127.0.0.1:1'), trusted());
    expect(silent).toHaveLength(2);
    expect(await readCertificates(membersAt(`http://127.0.0.1:${port}`), {})).toEqual([]);
  });

  it('are told as far as they can be where the key of the secret is none', async () => {
    const key = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n';
    const found = await readCertificates(at('127.0.0.1'), { tls: { ca: own.ca, cert: own.client.cert, key } });
    expect(found.map(({ owner }) => owner)).toEqual([
      'the CA of the tls secret',
      'the client certificate of the tls secret',
    ]);
  });

  it('say which of the secret cannot be read', async () => {
    const [first] = await readCertificates(membersAt('https://127.0.0.1:1'), { tls: { ca: '-----BEGIN nothing' } });
    expect(first).toMatchObject({
      owner: 'the CA of the tls secret',
      endsAt: '',
      problem: expect.stringContaining('cannot be read'),
    });
  });

  it('are those in the files of hosts as well, whoever they are shown to', () => {
    const { raw, validToDate } = new X509Certificate(own.server.cert);
    const certificates = [
      { use: 'peer', file: '/pki/peer.crt', der: raw.toString('base64') },
      { use: 'server', file: '/pki/server.crt', der: '' },
    ] as const;
    const at = (member: string, host: string) => ({
      ...{ member, host, error: '', problem: '' },
      result: inspection('node1', { certificates: [...certificates] }),
    });
    const away = { member: 'm3', host: 'i-3', result: null, error: 'HostUnreachable', problem: 'away' };
    expect(withHosts([], [at('m1', 'i-1'), away, at('', 'i-9')])).toEqual([
      expect.objectContaining({
        owner: 'the peer certificate of m1 (/pki/peer.crt)',
        endsAt: validToDate.toISOString(),
        problem: '',
      }),
      expect.objectContaining({
        owner: 'the server certificate of m1 (/pki/server.crt)',
        endsAt: '',
        problem: expect.stringContaining('Correct the file'),
      }),
      expect.objectContaining({ owner: 'the peer certificate of the spare host i-9 (/pki/peer.crt)', problem: '' }),
      expect.objectContaining({ owner: 'the server certificate of the spare host i-9 (/pki/server.crt)', endsAt: '' }),
    ]);
  });

  it('stop a plan where one on a host does not hold now, and not where it ends soon', async () => {
    const dayMs = 24 * 60 * 60 * 1000;
    const holding = async (fromDays: number, toDays: number) => {
      const lifetime = {
        notBefore: new Date(Date.now() + fromDays * dayMs),
        notAfter: new Date(Date.now() + toDays * dayMs),
      };
      const { server: pair } = await issueCertificates([], { lifetime });
      return new X509Certificate(pair.cert).raw.toString('base64');
    };
    const onHost = async (member: string, der: string) => ({
      member,
      inspection: inspection(member, { certificates: [{ use: 'peer', file: '/pki/peer.crt', der }] }),
    });
    const late = lateCertificates([
      await onHost('ended', await holding(-9, -2.5)),
      await onHost('early', await holding(1, 9)),
      await onHost('soon', await holding(-9, 1)),
      await onHost('none', ''),
      { member: 'away', inspection: null },
    ]);
    expect(late).toEqual({
      ended: [
        expect.stringMatching(/^the peer certificate \(\/pki\/peer\.crt\) has ended 2 days ago, on \S+: renew it$/),
      ],
      early: [expect.stringMatching(/ holds from \S+ on, and not yet: look at the clocks/)],
      soon: [],
      none: [],
      away: [],
    });
  });

  it('are told once where a member shows what its host has in the file', async () => {
    const { raw } = new X509Certificate(own.server.cert);
    const report = (use: 'peer' | 'server') => ({
      ...{ member: 'm1', host: 'i-1', error: '', problem: '' },
      result: inspection('m1', { certificates: [{ use, file: '/pki/a.crt', der: raw.toString('base64') }] }),
    });
    const shown = await readCertificates(at('127.0.0.1'), {});
    const untrusted = await readCertificates(at('127.0.0.1'), { tls: { ca: foreign.ca } });
    const shownWell = shown.map((each) => ({ ...each, problem: '' }));
    const ownersOf = (...of: Parameters<typeof withHosts>) => withHosts(...of).map(({ owner }) => owner);
    expect(ownersOf(shownWell, [report('server')])).toEqual(['the server certificate of m1 (/pki/a.crt)']);
    expect(ownersOf(shownWell, [report('peer')])).toEqual([
      'the certificate of m1',
      'the peer certificate of m1 (/pki/a.crt)',
    ]);
    expect(ownersOf(untrusted, [report('server')])).toContain('the certificate of m1');
  });
});
