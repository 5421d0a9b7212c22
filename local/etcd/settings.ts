import { satisfies } from './versions.ts';

/** etcd's settings by the names of its flags, which are also those of its config file. */
export type Settings = Record<string, string>;

/** The least cost of a password's hash that etcd takes: by its own default each login costs a core about 60 ms, which a test pays thousands of times. */
const BCRYPT_COST = '4';

interface Place {
  name: string;
  clientUrls: readonly string[];
  peerUrl: string;
  dataDir: string;
  /** Null where the log is in the data dir. */
  walDir?: string | null;
}

interface Membership {
  /** Of etcd. */
  version: string;
  initialCluster: string;
  /** `existing` where the member is to join a cluster that runs. */
  state: 'new' | 'existing';
  token: string;
  quotaBackendBytes?: number | undefined;
  /** After how many entries of its log a member takes a snapshot; undefined leaves etcd's own. */
  snapshotCount?: number | undefined;
  /** How often the leader compares the data of all members; undefined: never. */
  corruptCheckMs?: number | undefined;
}

/** What a member is started with, whatever starts it: without its security. */
export function memberSettings(place: Place, membership: Membership): Settings {
  const { name, clientUrls, peerUrl, dataDir, walDir = null } = place;
  const { version, initialCluster, state, token, quotaBackendBytes, snapshotCount, corruptCheckMs } = membership;
  return {
    name,
    'data-dir': dataDir,
    ...(walDir !== null && { 'wal-dir': walDir }),
    'listen-client-urls': clientUrls.join(','),
    'advertise-client-urls': clientUrls.join(','),
    'listen-peer-urls': peerUrl,
    'initial-advertise-peer-urls': peerUrl,
    'initial-cluster': initialCluster,
    'initial-cluster-state': state,
    'initial-cluster-token': token,
    ...(quotaBackendBytes !== undefined && { 'quota-backend-bytes': String(quotaBackendBytes) }),
    ...(snapshotCount !== undefined && { 'snapshot-count': String(snapshotCount) }),
    ...(corruptCheckMs !== undefined && {
      // 3.7 knows the old name no more, and ignores it in a file. Nanoseconds are what a file has to say.
      [`${/^3\.[0-5]\./.test(version) ? 'experimental-' : ''}corrupt-check-time`]: String(corruptCheckMs * 1_000_000),
    }),
    // 3.3 has one logger, and no setting for it.
    ...(!satisfies(version, '3.3') && { logger: 'zap', 'bcrypt-cost': BCRYPT_COST }),
  };
}

/** @param clientsToo whether clients have to show a certificate, as other members do */
export function tlsSettings(files: { cert: string; key: string; ca: string }, clientsToo: boolean): Settings {
  const own = { 'cert-file': files.cert, 'key-file': files.key };
  const others = { 'client-cert-auth': 'true', 'trusted-ca-file': files.ca };
  const forPeers = Object.entries({ ...own, ...others }).map(([name, value]) => [`peer-${name}`, value]);
  return { ...own, ...(clientsToo && others), ...Object.fromEntries(forPeers) };
}

/** JSON web tokens instead of simple ones. @param privateKey undefined for a member that verifies tokens and signs none */
export function tokenSettings(publicKey: string, privateKey: string | undefined): Settings {
  const signing = privateKey === undefined ? '' : `priv-key=${privateKey},`;
  return { 'auth-token': `jwt,pub-key=${publicKey},${signing}sign-method=RS256` };
}
