import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ClusterCertificates, createTokenKeys, issueCertificates, type TokenKeys } from './certificates.ts';
import type { ClientTls } from './health.ts';
import { type Settings, tlsSettings, tokenSettings } from './settings.ts';

export type TlsMode = 'none' | 'server' | 'mutual';
export type AuthToken = 'simple' | 'jwt';

/** What a cluster's security comes to: settings for each member by its name, and what clients use, as PEM and as files. */
export type Security = {
  scheme: 'http' | 'https';
  settings: (member: string) => Settings;
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
  const keys = async (name: string) => (authToken === 'jwt' ? writeTokenKeys(folder, name) : undefined);
  const common = await keys('token');
  const strange = strangeKeys.length === 0 ? common : await keys('strange-token');
  const tokens = (member: string): Settings => {
    const files = strangeKeys.includes(member) ? strange : common;
    return files ? tokenSettings(files.publicKey, verifyOnly.includes(member) ? undefined : files.privateKey) : {};
  };
  if (tls === 'none') return { scheme: 'http', settings: tokens };

  const mutual = tls === 'mutual';
  const certificates = await issueCertificates([], { clientName });
  const files = await writeCertificates(folder, certificates);
  return {
    scheme: 'https',
    settings: (member) => ({
      ...tokens(member),
      ...tlsSettings({ cert: files.serverCert, key: files.serverKey, ca: files.ca }, mutual),
    }),
    clientTls: { ca: certificates.ca, ...(mutual ? certificates.client : {}) },
    clientFiles: { ca: files.ca, ...(mutual ? { cert: files.clientCert, key: files.clientKey } : {}) },
  };
}

async function writeTokenKeys(folder: string, name: string): Promise<TokenKeys> {
  const { publicKey, privateKey } = await createTokenKeys();
  return {
    publicKey: await write(folder, `${name}.pub`, publicKey),
    privateKey: await write(folder, `${name}.key`, privateKey),
  };
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
