import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { type Certificate, outOfTime } from '../../core/cluster/certificates.ts';
import type { ConfiguredMember } from '../../core/cluster/clusters.ts';
import type { HostInspection, InspectionReport } from '../../core/hosts/host-command-results.ts';
import type { ClientTls } from './connection.ts';
import type { ClusterSecrets } from './secrets.ts';

const HANDSHAKE_MS = 3_000;
const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** Those of the cluster's tls secret, and what each member shows to clients. Empty where clients speak to it without TLS. */
export async function readCertificates(
  members: readonly ConfiguredMember[],
  { tls }: ClusterSecrets,
): Promise<Certificate[]> {
  const speaking = members.filter(({ clientUrl }) => new URL(clientUrl).protocol === 'https:');
  const shown = await Promise.all(
    speaking.map(async ({ name, clientUrl }) => ({
      use: 'server' as const,
      owner: `the certificate of ${name}`,
      // A secret that cannot be used is reported by the login with it.
      ...(await certificateAt(new URL(clientUrl), tls).catch(() => ({ ...NO_LIFETIME, problem: '' }))),
    })),
  );
  const areTaken = shown.some(({ endsAt }) => endsAt !== '') && shown.every(({ problem }) => problem === '');
  return [
    ...(tls ? held('ca', 'the CA of the tls secret', tls.ca, { leaveOutEnded: areTaken }) : []),
    ...(tls?.cert ? held('client', 'the client certificate of the tls secret', tls.cert) : []),
    // The diagnosis says whether one answers at all.
    ...shown.filter(({ endsAt, problem }) => endsAt !== '' || problem !== ''),
  ];
}

/**
 * Of several, as in a bundle of CAs or a chain, the one that ends first.
 * @param leaveOutEnded those that have ended, where another has not: an old CA may stay in a bundle after its renewal, and does no harm there
 */
function held(
  use: Certificate['use'],
  owner: string,
  pem: string,
  { leaveOutEnded = false }: { leaveOutEnded?: boolean } = {},
): Certificate[] {
  try {
    const byEnd = (pem.match(PEM) ?? [pem])
      .map((text) => new X509Certificate(text))
      .toSorted((a, b) => Date.parse(a.validTo) - Date.parse(b.validTo));
    const [first = byEnd[0]] = byEnd.filter(({ validTo }) => !leaveOutEnded || Date.parse(validTo) >= Date.now());
    return [{ use, owner, ...lifetimeOf(first as X509Certificate), problem: '' }];
  } catch (error) {
    return [
      { use, owner, ...NO_LIFETIME, problem: `it cannot be read (${(error as Error).message}). Correct the secret` },
    ];
  }
}

const USES = {
  peer: 'the peer certificate',
  server: 'the server certificate',
  'peer-ca': 'the CA of the peers',
  'client-ca': 'the CA of the clients',
} as const satisfies Record<HostInspection['certificates'][number]['use'], string>;

/** Those in the files that etcd's configuration names on each host: what etcd shows to its peers, nobody else is shown. */
function certificatesOnHosts(inspected: readonly InspectionReport[]): Certificate[] {
  return inspected.flatMap(({ member, host, result }) =>
    result ? heldBy(result, ` of ${member || `the spare host ${host}`}`) : [],
  );
}

/** @param whose ` of m1` */
function heldBy({ certificates }: Pick<HostInspection, 'certificates'>, whose: string): Certificate[] {
  return certificates.map(({ use, file, der }) => {
    const owner = `${USES[use]}${whose} (${file})`;
    try {
      return { use, owner, ...lifetimeOf(new X509Certificate(Buffer.from(der, 'base64'))), problem: '' };
    } catch {
      return { use, owner, ...NO_LIFETIME, problem: 'it has no certificate that can be read. Correct the file' };
    }
  });
}

/** By member: what does not hold now of what is on its host. A new member there would be refused by its peers, or by its clients. */
export function lateCertificates(
  inspected: readonly { member: string; inspection: Pick<HostInspection, 'certificates'> | null }[],
): Record<string, string[]> {
  const late = (inspection: Pick<HostInspection, 'certificates'> | null) =>
    (inspection ? heldBy(inspection, '') : []).flatMap((each) => {
      const problem = each.problem === '' ? outOfTime(each, Date.now()) : '';
      return problem === '' ? [] : [`${each.owner}${problem}`];
    });
  return Object.fromEntries(inspected.map(({ member, inspection }) => [member, late(inspection)]));
}

/** What a member shows to clients is mostly what its host has in the file. Then only the file is reported, because it says where to renew it. */
export function withHosts(shown: readonly Certificate[], inspected: readonly InspectionReport[]): Certificate[] {
  const onHosts = certificatesOnHosts(inspected);
  const isTold = ({ owner, endsAt, problem }: Certificate) =>
    problem === '' &&
    onHosts.some(
      (each) => each.endsAt === endsAt && each.owner.startsWith(`${owner.replace('the certificate', USES.server)} (`),
    );
  return [...shown.filter((each) => !isTold(each)), ...onHosts];
}

const NO_LIFETIME = { beginsAt: '', endsAt: '' };

function lifetimeOf({ validFrom, validTo }: Pick<X509Certificate, 'validFrom' | 'validTo'>) {
  return { beginsAt: new Date(validFrom).toISOString(), endsAt: new Date(validTo).toISOString() };
}

type Shown = Omit<Certificate, 'use' | 'owner'>;

/** One handshake, whatever comes of it: a certificate that is refused is shown all the same. */
function certificateAt({ hostname, port }: URL, tls: ClientTls | undefined): Promise<Shown> {
  const host = hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve) => {
    const socket: TLSSocket = connect({
      host,
      port: Number(port || 443),
      ...(tls && { ca: tls.ca, cert: tls.cert, key: tls.key }),
      ...(isIP(host) === 0 && { servername: host }),
      rejectUnauthorized: false,
      timeout: HANDSHAKE_MS,
    });
    socket.once('secureConnect', () => {
      const { valid_from: validFrom, valid_to: validTo, subjectaltname = 'no name' } = socket.getPeerCertificate();
      const lifetime = validTo ? lifetimeOf({ validFrom, validTo }) : NO_LIFETIME;
      const isWithin = Date.parse(lifetime.beginsAt) <= Date.now() && Date.now() <= Date.parse(lifetime.endsAt);
      // That it does not hold now is reported with its days.
      const problem =
        socket.authorized || (validTo && !isWithin)
          ? ''
          : `clients do not take it (${socket.authorizationError}). ${whyUnfit(`${socket.authorizationError}`, host, subjectaltname)}`;
      // A connection that is cut off now is to etcd a handshake that has failed, which it logs. So etcd is the one that closes it.
      socket.resume().end();
      socket.unref();
      resolve({ ...lifetime, problem });
    });
    const silent = () => {
      socket.destroy();
      resolve({ ...NO_LIFETIME, problem: '' });
    };
    socket.on('error', silent);
    socket.once('timeout', silent);
  });
}

/** @param names those that it is for */
function whyUnfit(code: string, host: string, names: string): string {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `It is for ${names}, and clientUrl names ${host}. Issue one for ${host} too, or write one of its names in clientUrl`;
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return 'It holds itself, and the certificate of a CA above it does not hold now: renew that one';
  }
  return 'It has to be of a CA of the tls secret';
}
