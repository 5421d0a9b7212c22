import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ClusterCertificates, createTokenKeys, issueCertificates } from './certificates.ts';
import type { ClientTls } from './health.ts';

export type TlsMode = 'none' | 'server' | 'mutual';
export type AuthToken = 'simple' | 'jwt';

/** What a cluster's security settings come to: flags for every member, and what clients use, as PEM and as files. */
export type Security = {
  scheme: 'http' | 'https';
  flags: string[];
  clientTls?: ClientTls;
  clientFiles?: ClientTls;
};

/** Writes the certificates and keys of a new cluster under `directory`, the private ones readable by their owner alone. */
export async function secure(directory: string, tls: TlsMode, authToken: AuthToken): Promise<Security> {
  const folder = join(directory, 'secrets');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const tokenFlags = authToken === 'jwt' ? await writeTokenKeys(folder) : [];
  if (tls === 'none') return { scheme: 'http', flags: tokenFlags };

  const mutual = tls === 'mutual';
  const certificates = await issueCertificates();
  const files = await writeCertificates(folder, certificates);
  return {
    scheme: 'https',
    flags: [
      ...tokenFlags,
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

async function writeTokenKeys(folder: string): Promise<string[]> {
  const { publicKey, privateKey } = await createTokenKeys();
  const publicFile = await write(folder, 'token.pub', publicKey);
  const privateFile = await write(folder, 'token.key', privateKey);
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
