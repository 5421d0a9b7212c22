import { dirname } from 'node:path';
import type { ClusterCertificates, TokenKeys } from '../etcd/certificates.ts';
import { memberSettings, type Settings, tlsSettings, tokenSettings } from '../etcd/settings.ts';
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
  corruptCheckMs: number | undefined;
  format: ConfigurationFormat;
  /** Undefined without TLS. */
  certificates: ClusterCertificates | undefined;
  /** Undefined where members make simple tokens. */
  tokenKeys: TokenKeys | undefined;
}

export const UNIT = 'etcd';

/** A script that writes a member's unit and configuration, and the certificates that it names. It starts nothing. */
export function installScript(member: HostedMember, settings: MemberSettings): string {
  const { host, walDir } = member;
  const { certificates } = settings;
  const { configFile, dataDir, binDir, user, group } = host.layout;
  const flags = settingsOf(member, settings);
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
    ...(certificates && {
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

function settingsOf(member: HostedMember, settings: MemberSettings): Settings {
  const { host, walDir } = member;
  const pki = pkiDir(host);
  const files = { cert: `${pki}/server.crt`, key: `${pki}/server.key`, ca: `${pki}/ca.crt` };
  return {
    ...memberSettings({ ...member, dataDir: host.layout.dataDir, walDir }, settings),
    ...(settings.tokenKeys && tokenSettings(`${pki}/token.pub`, `${pki}/token.key`)),
    ...(settings.certificates && tlsSettings(files, true)),
  };
}

function toEnvironment(flags: Settings): string {
  const variable = (flag: string) => `ETCD_${flag.toUpperCase().replaceAll('-', '_')}`;
  return Object.entries(flags)
    .map(([flag, value]) => `${variable(flag)}="${value}"`)
    .join('\n');
}

/** The config file groups the settings of TLS, and leaves their prefix out. */
function toYaml(flags: Settings): string {
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
