import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import * as z from 'zod';
import { type Cluster, hostsOf } from '../core/cluster/clusters.ts';
import type { ClustersFile } from '../core/cluster/clusters-file.ts';
import { InvalidInput } from '../core/errors.ts';
import { parseClustersFile } from '../core/remediation/policy.ts';
import { readJson } from '../core/text/json-file.ts';
import { mustBe, parse } from '../core/text/parse.ts';
import { type HostsFile, parseHostsFile } from '../local/hosts/access.ts';
import type { BackupsFlag } from './backups-folder.ts';

const LOGIN_OR_TLS =
  '{"username": "...", "password": "..."} for a login or {"ca": "...", "cert": "...", "key": "..."} for TLS';

const SECRETS = [
  '{ "etcd/orders/root": {"username": "root", "password": "..."},',
  '  "etcd/orders/client-tls": {"ca": "...", "cert": "...", "key": "..."} }',
];

/** The paths of what says which clusters there are, how they are reached, and where their backups lie. */
export interface FileFlags extends BackupsFlag {
  config: string;
  secrets?: string;
  hosts?: string;
}

/** The options that name them again. */
export function typedFiles({ config, secrets, hosts, backups }: FileFlags): string[] {
  return Object.entries({ config, secrets, hosts, backups }).flatMap(([flag, path]) =>
    path ? [`--${flag}`, path] : [],
  );
}

interface Files {
  file: ClustersFile;
  secrets: Record<string, unknown>;
  hosts: HostsFile;
}

export function takeFiles(command: Command): Command {
  return command
    .option('--config <file>', 'the clusters', 'clusters.json')
    .option(
      '--secrets <file>',
      'JSON object: for each secret that the configuration names, what Secrets Manager would hold',
    )
    .option(
      '--hosts <file>',
      'JSON object: how each host of the configuration is reached, such as {"node-a": {"exec": ["ssh", "-o", "BatchMode=yes", "10.0.1.11", "sudo", "bash"]}}',
    );
}

/** @throws InvalidInput for a file that cannot be read, or with every problem of what it holds */
export async function readFiles({ config, secrets, hosts: hostsPath }: FileFlags): Promise<Files> {
  const file = parseClustersFile(await read(config), config);
  const hosts = hostsPath ? parseHostsFile(readJson(await read(hostsPath), hostsPath), hostsPath) : {};
  requireKnownHosts(hosts, file, { config, hosts: hostsPath ?? '' });
  return { file, secrets: secrets ? parseSecrets(await read(secrets), secrets) : {}, hosts };
}

/** A host by another name than the configuration's would never be looked for, and so be taken for one that cannot be reached. */
function requireKnownHosts(
  hosts: HostsFile,
  { clusters }: ClustersFile,
  paths: { config: string; hosts: string },
): void {
  const named = new Set(clusters.flatMap(hostsOf));
  const unknown = Object.keys(hosts).filter((host) => !named.has(host));
  if (unknown.length === 0) return;
  throw new InvalidInput(
    `${paths.hosts} says how ${unknown.map((host) => `"${host}"`).join(', ')} is reached, and ${paths.config} names no such "host"; it names ` +
      `${[...named].join(', ') || 'none'}. Correct one of the two.`,
  );
}

/** @throws InvalidInput naming the clusters that there are */
export function clusterNamed(name: string, { clusters }: ClustersFile, config: string): Cluster {
  const chosen = clusters.find((each) => each.name === name);
  if (chosen) return chosen;
  throw new InvalidInput(`${config} has no cluster "${name}"; it has ${clusters.map((each) => each.name).join(', ')}.`);
}

/** @throws InvalidInput naming each secret that was not given */
export function requireSecrets(clusters: readonly Cluster[], held: Record<string, unknown>): void {
  const named = clusters.flatMap(({ auth, tls }) => [auth?.secret, tls?.secret]);
  const missing = named.filter((name) => name !== undefined && !Object.hasOwn(held, name));
  if (missing.length === 0) return;
  const names = [...new Set(missing)].map((name) => `"${name}"`);
  throw new InvalidInput(
    names.length === 1
      ? `The configuration names the secret ${names[0]}: give it with --secrets FILE, as ${LOGIN_OR_TLS}, under its name.`
      : `The configuration names the secrets ${names.join(' and ')}: give them with --secrets FILE, as ${LOGIN_OR_TLS}, each under its name.`,
  );
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new InvalidInput(`${path} cannot be read: ${(error as Error).message}`);
  }
}

function parseSecrets(text: string, path: string): Record<string, unknown> {
  const each = z.record(z.string(), z.unknown(), mustBe(LOGIN_OR_TLS));
  const file = z.object(
    { $schema: z.string().optional() },
    mustBe('an object with each secret under its name', ...SECRETS),
  );
  const { $schema, ...secrets } = parse(file.catchall(each), readJson(text, path, { secret: true }), path);
  return secrets;
}
