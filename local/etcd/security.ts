import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ClusterCertificates, createTokenKeys, issueCertificates, type TokenKeys } from './certificates.ts';
import type { ClientTls } from './health.ts';
import { type Settings, tlsSettings, tokenSettings } from './settings.ts';

export type TlsMode = 'none' | 'server' | 'mutual';
export type AuthToken = 'simple' | 'jwt';

export interface SecurityOptions {
  tls?: TlsMode;
  authToken?: AuthToken;
  /** Where members listen besides loopback. */
  addresses?: readonly string[];
  /** Members that sign JWTs with other keys than the rest. */
  strangeKeys?: readonly string[];
  /** Members that are given no key to sign JWTs with. */
  verifyOnly?: readonly string[];
  /** The common name of the client's certificate. */
  clientName?: string | undefined;
}

/** What a cluster's security comes to. */
export type Security = {
  scheme: 'http' | 'https';
  /** What a member on this machine is started with. */
  settings: (member: string) => Settings;
  /** What a member elsewhere is given, as PEM. */
  certificates?: ClusterCertificates;
  tokenKeys?: TokenKeys;
  /** What clients use, as PEM and as files. */
  clientTls?: ClientTls;
  clientFiles?: ClientTls;
};

export const NOT_SECURED: Security = { scheme: 'http', settings: () => ({}) };

/** Makes the certificates and keys of a new cluster, and writes them under `directory`, the private ones readable by their owner alone. */
export async function secure(
  directory: string,
  { tls = 'none', authToken = 'simple', addresses, strangeKeys = [], verifyOnly = [], clientName }: SecurityOptions,
): Promise<Security> {
  const folder = join(directory, 'secrets');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const keys = async (name: string) => (authToken === 'jwt' ? writeTokenKeys(folder, name) : undefined);
  const common = await keys('token');
  const strange = strangeKeys.length === 0 ? common : await keys('strange-token');
  const tokens = (member: string): Settings => {
    const files = (strangeKeys.includes(member) ? strange : common)?.files;
    return files ? tokenSettings(files.publicKey, verifyOnly.includes(member) ? undefined : files.privateKey) : {};
  };
  const signed = { settings: tokens, ...(common && { tokenKeys: common.keys }) };
  if (tls === 'none') return { scheme: 'http', ...signed };

  const mutual = tls === 'mutual';
  const certificates = await issueCertificates(addresses, { clientName });
  const files = await writeCertificates(folder, certificates);
  return {
    scheme: 'https',
    ...signed,
    settings: (member) => ({
      ...tokens(member),
      ...tlsSettings({ cert: files.serverCert, key: files.serverKey, ca: files.ca }, mutual),
    }),
    certificates,
    clientTls: { ca: certificates.ca, ...(mutual ? certificates.client : {}) },
    clientFiles: { ca: files.ca, ...(mutual ? { cert: files.clientCert, key: files.clientKey } : {}) },
  };
}

async function writeTokenKeys(folder: string, name: string): Promise<{ keys: TokenKeys; files: TokenKeys }> {
  const keys = await createTokenKeys();
  const files = {
    publicKey: await write(folder, `${name}.pub`, keys.publicKey),
    privateKey: await write(folder, `${name}.key`, keys.privateKey),
  };
  return { keys, files };
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
