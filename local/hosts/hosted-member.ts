import { dirname } from 'node:path';
import type { ClusterCertificates, TokenKeys } from '../etcd/certificates.ts';
import { BCRYPT_COST } from '../etcd/security.ts';
import { satisfies } from '../etcd/versions.ts';
import type { Host } from './host.ts';

/** One member of a cluster on hosts: where it is reached, and where it lives. */
export interface HostedMember {
  name: string;
  clientUrl: string;
  /** All of them; the first is `clientUrl`. */
  clientUrls: readonly string[];
  peerUrl: string;
  host: Host;
  /** Null where the log is in the data dir. */
  walDir: string | null;
}

/** Whether etcd reads a config file in YAML, or an environment file of its unit. */
export type ConfigurationFormat = 'yaml' | 'environment';

export interface MemberSettings {
  /** Of etcd. */
  version: string;
  initialCluster: string;
  /** `existing` where the member is to join a cluster that runs. */
  state: 'new' | 'existing';
  token: string;
  quotaBackendBytes: number;
  /** After how many entries of its log a member takes a snapshot; undefined leaves etcd's own. */
  snapshotCount: number | undefined;
  format: ConfigurationFormat;
  tls: boolean;
  /** Undefined where members make simple tokens. */
  tokenKeys: TokenKeys | undefined;
}

export const UNIT = 'etcd';

/** A script that writes a member's unit and configuration, and the certificates that it names. It starts nothing. */
export function installScript(
  member: HostedMember,
  settings: MemberSettings,
  certificates: ClusterCertificates,
): string {
  const { host, walDir } = member;
  const { configFile, dataDir, binDir, user, group } = host.layout;
  const flags = flagsOf(member, settings);
  const isYaml = settings.format === 'yaml';
  const unit = [
    '[Unit]',
    'Description=etcd',
    '[Service]',
    'Type=notify',
    `User=${user}`,
    ...(isYaml ? [] : [`EnvironmentFile=${configFile}`]),
    `ExecStart=${binDir}/etcd${isYaml ? ` --config-file ${configFile}` : ''}`,
    'Restart=on-failure',
    'LimitNOFILE=65536',
  ];
  const files = {
    [`${host.unitDir}/${UNIT}.service`]: unit.join('\n'),
    [configFile]: isYaml ? toYaml(flags) : toEnvironment(flags),
    ...(settings.tls && {
      [`${pkiDir(host)}/ca.crt`]: certificates.ca,
      [`${pkiDir(host)}/server.crt`]: certificates.server.cert,
      [`${pkiDir(host)}/server.key`]: certificates.server.key,
    }),
    ...(settings.tokenKeys && {
      [`${pkiDir(host)}/token.pub`]: settings.tokenKeys.publicKey,
      [`${pkiDir(host)}/token.key`]: settings.tokenKeys.privateKey,
    }),
  };
  const wants = `${host.unitDir}/multi-user.target.wants`;
  const parents = [dataDir, ...(walDir === null ? [] : [walDir])].map((folder) => `'${dirname(folder)}'`).join(' ');
  return [
    'set -eu',
    'umask 077',
    `mkdir -p '${dirname(configFile)}' '${pkiDir(host)}' '${wants}' ${parents}`,
    ...Object.entries(files).map(([file, text]) => `cat > '${file}' <<'END_OF_FILE'\n${text.trimEnd()}\nEND_OF_FILE`),
    // As "systemctl enable" does: a host that boots starts it.
    `ln -sf ../${UNIT}.service '${wants}/'`,
    `chown -R '${user}:${group}' '${dirname(configFile)}' ${parents}`,
    'systemctl daemon-reload',
  ].join('\n');
}

function pkiDir({ layout }: Host): string {
  return `${dirname(layout.configFile)}/pki`;
}

/** etcd's settings by the names of its flags. */
function flagsOf(member: HostedMember, settings: MemberSettings): Record<string, string> {
  const { name, clientUrls, peerUrl, host, walDir } = member;
  const pki = pkiDir(host);
  const files = {
    'cert-file': `${pki}/server.crt`,
    'key-file': `${pki}/server.key`,
    'trusted-ca-file': `${pki}/ca.crt`,
  };
  const security = { ...files, 'client-cert-auth': 'true' };
  return {
    name,
    'data-dir': host.layout.dataDir,
    ...(walDir !== null && { 'wal-dir': walDir }),
    'listen-client-urls': clientUrls.join(','),
    'advertise-client-urls': clientUrls.join(','),
    'listen-peer-urls': peerUrl,
    'initial-advertise-peer-urls': peerUrl,
    'initial-cluster': settings.initialCluster,
    'initial-cluster-state': settings.state,
    'initial-cluster-token': settings.token,
    'quota-backend-bytes': String(settings.quotaBackendBytes),
    ...(settings.snapshotCount !== undefined && { 'snapshot-count': String(settings.snapshotCount) }),
    // 3.3 has one logger, and no setting for it.
    ...(!satisfies(settings.version, '3.3') && { logger: 'zap', 'bcrypt-cost': String(BCRYPT_COST) }),
    ...(settings.tokenKeys && {
      'auth-token': `jwt,pub-key=${pki}/token.pub,priv-key=${pki}/token.key,sign-method=RS256`,
    }),
    ...(settings.tls && {
      ...security,
      ...Object.fromEntries(Object.entries(security).map(([flag, value]) => [`peer-${flag}`, value])),
    }),
  };
}

function toEnvironment(flags: Record<string, string>): string {
  const variable = (flag: string) => `ETCD_${flag.toUpperCase().replaceAll('-', '_')}`;
  return Object.entries(flags)
    .map(([flag, value]) => `${variable(flag)}="${value}"`)
    .join('\n');
}

/** The config file groups the settings of TLS, and leaves their prefix out. */
function toYaml(flags: Record<string, string>): string {
  const isTls = (flag: string) => /(cert-file|key-file|trusted-ca-file|client-cert-auth)$/.test(flag);
  const line = ([flag, value]: [string, string]) => `${flag}: ${/^(true|\d+)$/.test(value) ? value : `'${value}'`}`;
  const all = Object.entries(flags);
  const group = (title: string, entries: [string, string][]) =>
    entries.length === 0 ? [] : [`${title}:`, ...entries.map((entry) => `  ${line(entry)}`)];
  const peer = all.filter(([flag]) => isTls(flag) && flag.startsWith('peer-'));
  return [
    ...all.filter(([flag]) => !isTls(flag)).map(line),
    ...group(
      'client-transport-security',
      all.filter(([flag]) => isTls(flag) && !flag.startsWith('peer-')),
    ),
    ...group(
      'peer-transport-security',
      peer.map(([flag, value]) => [flag.slice('peer-'.length), value]),
    ),
  ].join('\n');
}
