import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import type { Certificate } from '../../core/contracts/check.ts';
import type { Cluster } from '../../core/contracts/clusters.ts';
import type { ClientTls } from './connection.ts';
import type { ClusterSecrets } from './secrets.ts';

const HANDSHAKE_MS = 3_000;
const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** Those of the cluster's tls secret, and what each member shows to clients. Empty where clients speak to it without TLS. */
export async function readCertificates({ members }: Cluster, { tls }: ClusterSecrets): Promise<Certificate[]> {
  const speaking = members.filter(({ clientUrl }) => new URL(clientUrl).protocol === 'https:');
  const shown = await Promise.all(
    speaking.map(async ({ name, clientUrl }) => ({
      owner: `the certificate of ${name}`,
      ...(await certificateAt(new URL(clientUrl), tls)),
    })),
  );
  return [
    ...(tls ? held('the CA of the tls secret', tls.ca) : []),
    ...(tls?.cert ? held('the client certificate of the tls secret', tls.cert) : []),
    // Whether one answers at all is told by the diagnosis.
    ...shown.filter(({ endsAt, problem }) => endsAt !== '' || problem !== ''),
  ];
}

/** Of several, as in a bundle of CAs or a chain, the one that ends first. */
function held(owner: string, pem: string): Certificate[] {
  try {
    const ends = (pem.match(PEM) ?? [pem]).map((text) => Date.parse(new X509Certificate(text).validTo));
    return [{ owner, endsAt: new Date(Math.min(...ends)).toISOString(), problem: '' }];
  } catch (error) {
    return [{ owner, endsAt: '', problem: `it cannot be read (${(error as Error).message}). Correct the secret` }];
  }
}

/** One handshake, whatever comes of it: a certificate that is refused is shown all the same. */
function certificateAt({ hostname, port }: URL, tls: ClientTls | undefined): Promise<Omit<Certificate, 'owner'>> {
  const host = hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve) => {
    const settle = (certificate: Omit<Certificate, 'owner'>) => {
      socket.destroy();
      resolve(certificate);
    };
    const socket: TLSSocket = connect({
      host,
      port: Number(port || 443),
      ...(tls && { ca: tls.ca, cert: tls.cert, key: tls.key }),
      ...(isIP(host) === 0 && { servername: host }),
      rejectUnauthorized: false,
      timeout: HANDSHAKE_MS,
    });
    socket.once('secureConnect', () => {
      const { valid_to: validTo } = socket.getPeerCertificate();
      const endsAt = validTo ? new Date(validTo).toISOString() : '';
      const isOver = endsAt !== '' && Date.parse(endsAt) < Date.now();
      // That it has ended is told with its day.
      const problem =
        socket.authorized || isOver
          ? ''
          : `clients do not take it (${socket.authorizationError}). It has to be of a CA of the tls secret, and for ${host}`;
      settle({ endsAt, problem });
    });
    const silent = () => settle({ endsAt: '', problem: '' });
    socket.once('error', silent);
    socket.once('timeout', silent);
  });
}
