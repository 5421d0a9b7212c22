import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ClusterCertificates, createTokenKeys, issueCertificates } from './certificates.ts';
import type { ClientTls } from './health.ts';

export type TlsMode = 'none' | 'server' | 'mutual';
export type AuthToken = 'simple' | 'jwt';

/** The least that etcd takes: by its own default each login costs a core about 60 ms, which a test pays thousands of times. */
export const BCRYPT_COST = 4;

/** What a cluster's security settings come to: flags for each member by its name, and what clients use, as PEM and as files. */
export type Security = {
  scheme: 'http' | 'https';
  flags: (member: string) => string[];
  clientTls?: ClientTls;
  clientFiles?: ClientTls;
};

/**
 * Writes the certificates and keys of a new cluster under `directory`, the private ones readable by their owner alone.
 * @param strangeKeys names of members that sign JWTs with other keys than the rest
 * @param verifyOnly names of members that are given no key to sign JWTs with; `clientName`: the common name of the client's certificate
 */
export async function secure(
  directory: string,
  tls: TlsMode,
  authToken: AuthToken,
  strangeKeys: readonly string[],
  { verifyOnly = [], clientName }: { verifyOnly?: readonly string[]; clientName?: string | undefined } = {},
): Promise<Security> {
  const folder = join(directory, 'secrets');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const keys = async (name: string) => (authToken === 'jwt' ? writeTokenKeys(folder, name) : []);
  const common = await keys('token');
  const strange = strangeKeys.length === 0 ? common : await keys('strange-token');
  const tokenFlags = (member: string) =>
    (strangeKeys.includes(member) ? strange : common).map((flag) =>
      verifyOnly.includes(member) ? flag.replace(/priv-key=[^,]+,/, '') : flag,
    );
  if (tls === 'none') return { scheme: 'http', flags: tokenFlags };

  const mutual = tls === 'mutual';
  const certificates = await issueCertificates([], { clientName });
  const files = await writeCertificates(folder, certificates);
  return {
    scheme: 'https',
    flags: (member) => [
      ...tokenFlags(member),
      `--cert-file=${files.serverCert}`,
      `--key-file=${files.serverKey}`,
      ...(mutual ? ['--client-cert-auth', `--trusted-ca-file=${files.ca}`] : []),
      `--peer-cert-file=${files.serverCert}`,
      `--peer-key-file=${files.serverKey}`,
      '--peer-client-cert-auth',
      `--peer-trusted-ca-file=${files.ca}`,
    ],
    clientTls: { ca: certificates.ca, ...(mutual ? certificates.client : {}) },
    clientFiles: { ca: files.ca, ...(mutual ? { cert: files.clientCert, key: files.clientKey } : {}) },
  };
}

async function writeTokenKeys(folder: string, name: string): Promise<string[]> {
  const { publicKey, privateKey } = await createTokenKeys();
  const publicFile = await write(folder, `${name}.pub`, publicKey);
  const privateFile = await write(folder, `${name}.key`, privateKey);
  return [`--auth-token=jwt,pub-key=${publicFile},priv-key=${privateFile},sign-method=RS256`];
}

async function writeCertificates(folder: string, { ca, server, client }: ClusterCertificates) {
  return {
    ca: await write(folder, 'ca.crt', ca),
    serverCert: await write(folder, 'server.crt', server.cert),
    serverKey: await write(folder, 'server.key', server.key),
    clientCert: await write(folder, 'client.crt', client.cert),
    clientKey: await write(folder, 'client.key', client.key),
  };
}

async function write(folder: string, name: string, pem: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, pem, { mode: 0o600 });
  return file;
}
