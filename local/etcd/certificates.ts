import 'reflect-metadata';
import { createPrivateKey, generateKeyPair, webcrypto } from 'node:crypto';
import { promisify } from 'node:util';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { HOST } from './ports.ts';

/** A certificate and its private key, both PEM. */
type Identity = { cert: string; key: string };

/** What one cluster needs. `ca` is the PEM that trusts the others; its key is forgotten. */
export type ClusterCertificates = { ca: string; server: Identity; client: Identity };

type Lifetime = { notBefore: Date; notAfter: Date };

/** With which members sign tokens, and find them signed by another; both PEM. */
export type TokenKeys = { publicKey: string; privateKey: string };

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Issues certificates under a fresh CA: those of two calls do not trust each other. The server's is for every member, towards
 * clients and peers; etcd also presents it as a client, to peers and from its gateway to itself.
 * @param addresses where members listen besides loopback
 * @param clientName the client's common name, which etcd takes for a user's; none, if not said
 * @param lifetime of the certificates under the CA
 * @param caLifetime of the CA's own
 */
export async function issueCertificates(
  addresses: readonly string[] = [],
  {
    clientName,
    lifetime = validity(),
    caLifetime = validity(),
  }: { clientName?: string | undefined; lifetime?: Lifetime; caLifetime?: Lifetime } = {},
): Promise<ClusterCertificates> {
  const caKeys = await newKeys();
  const ca = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=etcd local CA',
    keys: caKeys,
    signingAlgorithm: ALGORITHM,
    ...caLifetime,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  const issue = async (subject: string, usages: ExtendedKeyUsage[], extensions: Extension[]): Promise<Identity> => {
    const keys = await newKeys();
    const certificate = await X509CertificateGenerator.create({
      subject,
      issuer: ca.subject,
      publicKey: keys.publicKey,
      signingKey: caKeys.privateKey,
      signingAlgorithm: ALGORITHM,
      ...lifetime,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension(usages),
        ...extensions,
      ],
    });
    return { cert: certificate.toString('pem'), key: await toPem(keys.privateKey) };
  };
  // etcd takes a client certificate's common name for a user's, so by default neither has one that could be a user.
  const names = new SubjectAlternativeNameExtension([
    ...[...new Set([HOST, ...addresses])].map((value) => ({ type: 'ip' as const, value })),
    { type: 'dns', value: 'localhost' },
  ]);
  return {
    ca: ca.toString('pem'),
    server: await issue('O=etcd local member', [ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth], [names]),
    client: await issue(
      `${clientName ? `CN=${clientName}, ` : ''}O=etcd local client`,
      [ExtendedKeyUsage.clientAuth],
      [],
    ),
  };
}

/** An RSA key pair, both PEM, for etcd's `--auth-token jwt,sign-method=RS256`. */
export async function createTokenKeys(): Promise<TokenKeys> {
  return promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function toPem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    .export({ type: 'pkcs8', format: 'pem' })
    .toString();
}

/** From yesterday, for clocks that disagree, to a month ahead: no local cluster lives longer. */
function validity(): Lifetime {
  const now = Date.now();
  return { notBefore: new Date(now - DAY_MS), notAfter: new Date(now + 30 * DAY_MS) };
}
