import type { Silence } from '../../core/contracts/observation.ts';
import { EtcdUnavailable, PreconditionFailed, type RemediationError, UnsafeToProceed } from '../../core/errors.ts';

/** What grpc-js hands to a callback. */
export interface GrpcError {
  code: number;
  details: string;
}

/** As whom a call was made: with a login, or as the user that the client certificate names, or as nobody. */
export type Caller = 'login' | 'certificate' | 'nobody';

type ErrorClass = new (message: string, reason: string) => RemediationError;
interface Row {
  reason: string;
  /** Matched against the message, for etcd uses one gRPC code for opposite things ("database space exceeded", "too many requests"). */
  details: RegExp;
  error: ErrorClass;
  advice: string | Readonly<Record<Caller, string>>;
}

/** etcd's and grpc-js's own messages, the more specific first; what each means to a responder, and whether trying again can help. */
const BY_MESSAGE: readonly Row[] = [
  {
    reason: 'TokenRejected',
    details: /invalid auth token/,
    error: PreconditionFailed,
    advice: 'The member rejects a token that was issued a moment ago: see the incident auth-token-invalid.',
  },
  {
    reason: 'TokenOutdated',
    details: /revision of auth store is old|revision in header is old/,
    error: PreconditionFailed,
    advice:
      'Users or roles were changed since the token was issued, or are others on this member. Start again, with a new token; if it stays so on one member, restart that one.',
  },
  {
    reason: 'AuthNotEnabled',
    details: /authentication is not enabled/,
    error: PreconditionFailed,
    advice:
      'The configuration names a login, but etcd runs without authentication. Enable it ("etcdctl auth enable"), or take "auth" out of clusters.json.',
  },
  {
    reason: 'WrongPassword',
    details: /authentication failed, invalid user ID or password/,
    error: PreconditionFailed,
    advice:
      "This member does not take the user name or password. Where no other one does, correct the cluster's auth secret; where the others take it, this clientUrl leads to another cluster, or this member's users are not theirs.",
  },
  {
    reason: 'NoPassword',
    details: /password was given for no password user/,
    error: PreconditionFailed,
    advice:
      'This user has no password: etcd knows it by the common name of a client certificate alone. Take "auth" out of clusters.json, so that ' +
      'the certificate of the tls secret logs in; or name the secret of a user that has a password and the root role.',
  },
  {
    reason: 'VerifyOnly',
    details: /token signing attempted with verify-only key/,
    error: PreconditionFailed,
    advice:
      'This member only verifies JWTs: its --auth-token names no priv-key, so it signs none. To let it log anybody in, give it the key that the others sign with.',
  },
  {
    reason: 'LoginRequired',
    details: /user name is empty/,
    error: PreconditionFailed,
    advice: 'etcd asks for a login: name a secret under "auth" in clusters.json.',
  },
  {
    reason: 'PermissionDenied',
    details: /permission denied/,
    error: PreconditionFailed,
    advice: {
      login:
        "This is not allowed to the user of the cluster's auth secret, which must hold a user with the root role: grant it " +
        '("etcdctl user grant-role USER root"), or put another user into the secret.',
      certificate:
        'Without a login etcd takes the common name of the client certificate (of the tls secret) for the user, which may not do this: grant it the ' +
        'root role ("etcdctl user grant-role COMMON-NAME root"), or name the secret of a user that has it under "auth" in clusters.json.',
      nobody:
        'This is not allowed without a login: name the secret of a user with the root role under "auth" in clusters.json.',
    },
  },
  {
    reason: 'UserNotFound',
    details: /user name not found/,
    error: PreconditionFailed,
    advice:
      'etcd has no such user: correct the name in the cluster\'s auth secret, or add the user ("etcdctl user add NAME").',
  },
  {
    reason: 'RootMissing',
    details: /root user does not/,
    error: PreconditionFailed,
    advice:
      'Authentication can be enabled only where there is a user root with the role root. Add what is missing ("etcdctl user add root", "etcdctl user grant-role root root"), then enable it.',
  },
  {
    reason: 'NoLeader',
    details: /etcdserver: no leader/,
    error: EtcdUnavailable,
    advice:
      'The cluster has no leader: an election is under way, or a quorum is lost. If it lasts for more than some seconds, look which members are down.',
  },
  {
    reason: 'LeaderChanging',
    details: /etcdserver: leader changed|raft proposal dropped/,
    error: EtcdUnavailable,
    advice: 'Leadership is just moving from one member to another.',
  },
  {
    reason: 'NotLeader',
    details: /etcdserver: not leader/,
    error: EtcdUnavailable,
    advice: 'Leadership has moved to another member in the meantime.',
  },
  {
    reason: 'BadLeaderTransferee',
    details: /bad leader transferee/,
    error: PreconditionFailed,
    advice:
      'The chosen member cannot lead: it is a learner, or not in the cluster any more. Start again: another one is chosen.',
  },
  {
    reason: 'NoSpace',
    details: /database space exceeded/,
    error: PreconditionFailed,
    advice: 'The store is full and refuses writes: see the incident space-exceeded.',
  },
  {
    reason: 'TooLarge',
    details: /request is too large|received message larger than max/,
    error: PreconditionFailed,
    advice: 'etcd takes no request of this size: compare its --max-request-bytes with that of the other members.',
  },
  {
    reason: 'Compacted',
    details: /required revision has been compacted/,
    error: PreconditionFailed,
    advice: 'This revision was compacted before.',
  },
  {
    reason: 'FutureRevision',
    details: /required revision is a future revision/,
    error: PreconditionFailed,
    advice: 'This revision does not exist yet.',
  },
  {
    reason: 'TooManyRequests',
    details: /too many requests/,
    error: EtcdUnavailable,
    advice: 'The member has more requests waiting than it can apply: look at its disk and load, and at who sends them.',
  },
  {
    reason: 'DiskFull',
    details: /no space left on device/,
    error: PreconditionFailed,
    advice:
      "The disk of this member's data dir is full, and etcd ends at its next write there: make room, and start it. A defragmentation needs " +
      'as much of it as is in use of the database, and what it has left behind is removed by the start.',
  },
  {
    reason: 'LearnerRefused',
    details: /rpc not supported for learner/,
    error: PreconditionFailed,
    advice: 'The member is a learner, which serves neither logins nor this call: promote it, or ask a voter.',
  },
  {
    reason: 'Corrupt',
    details: /etcdserver: corrupt cluster/,
    error: UnsafeToProceed,
    advice:
      'A CORRUPT alarm is raised: members may hold different data, and nothing may be changed before the wrong one is replaced and the alarm is disarmed.',
  },
  {
    reason: 'MemberNotFound',
    details: /etcdserver: member not found/,
    error: PreconditionFailed,
    advice: 'The member is not in the cluster any more.',
  },
  {
    reason: 'MemberExists',
    details: /etcdserver: member ID already exist/,
    error: PreconditionFailed,
    advice: 'The member is in the cluster already.',
  },
  {
    reason: 'PeerUrlExists',
    details: /etcdserver: Peer URLs already exists/,
    error: PreconditionFailed,
    advice: 'A member with this peer URL is in the cluster already.',
  },
  {
    reason: 'NotInSync',
    details: /can only promote a learner member which is in sync with leader/,
    error: EtcdUnavailable,
    advice: 'The learner is not caught up yet.',
  },
  {
    reason: 'NotALearner',
    details: /can only promote a learner member/,
    error: PreconditionFailed,
    advice: 'The member is a voter already.',
  },
  {
    reason: 'TooManyLearners',
    details: /too many learner members in cluster/,
    error: PreconditionFailed,
    advice: 'etcd takes one learner at a time: promote the one that is there first.',
  },
  {
    reason: 'UnhealthyCluster',
    details: /etcdserver: unhealthy cluster/,
    error: EtcdUnavailable,
    advice:
      'etcd changes its membership only once all its members have been connected for 5 seconds: look which one is not, in the log of the leader.',
  },
  {
    reason: 'NotEnoughStarted',
    details: /re-configuration failed due to not enough started members/,
    error: UnsafeToProceed,
    advice: 'With this change a quorum could be lost: not enough members are up. Start those that are down first.',
  },
  {
    reason: 'NameUnknown',
    details: /Name resolution failed/,
    error: EtcdUnavailable,
    advice:
      'The host name in clientUrl is not known to DNS here, which proves nothing of the member: correct clientUrl, or the name server that is asked here.',
  },
  {
    reason: 'WrongScheme',
    details: /wrong version number|packet length too long|http request/i,
    error: PreconditionFailed,
    advice: "What listens here does not speak TLS, and clientUrl says https: write the member's own scheme.",
  },
  {
    reason: 'NotEtcd',
    details: /alert no application protocol/,
    error: PreconditionFailed,
    advice:
      "What answers here speaks TLS and no HTTP/2, so it is not etcd: clientUrl must be etcd's own client port, with no proxy in between.",
  },
  {
    reason: 'Tls',
    details: /certificate has expired/i,
    error: PreconditionFailed,
    advice:
      "The member's server certificate has expired, or the clock is wrong here. Renew it in the member's files (--cert-file): etcd takes it without a restart.",
  },
  {
    reason: 'Tls',
    details: /certificate is not yet valid/i,
    error: PreconditionFailed,
    advice: "The member's server certificate is not valid yet: compare the clocks, here and where it was issued.",
  },
  {
    reason: 'Tls',
    details: /not in the cert's|does not match certificate's altnames/i,
    error: PreconditionFailed,
    advice:
      "The member's server certificate is not for the host that clientUrl names. Issue one that names it too (its subject alternative names), or write a host in clientUrl that it names.",
  },
  {
    reason: 'Tls',
    details: /certificate|SSL routines/i,
    error: PreconditionFailed,
    advice:
      "TLS was not agreed on: compare the cluster's tls secret (ca, and cert and key where etcd asks for a client certificate) and clientUrl's host with the member's certificate.",
  },
  {
    reason: 'NoRoute',
    details: /ENETUNREACH|EADDRNOTAVAIL|EACCES|EPERM|EMFILE/,
    error: EtcdUnavailable,
    advice:
      'No connection can be opened from here, which proves nothing of the member: look at the routes and the firewall here.',
  },
  {
    reason: 'Refused',
    details: /ECONNREFUSED|EHOSTUNREACH/,
    error: EtcdUnavailable,
    advice: 'Nothing listens at this address: the member is down, or clientUrl names the wrong host or port.',
  },
  {
    reason: 'ConnectionLost',
    details: /Connection dropped|ECONNRESET|No connection established/,
    error: EtcdUnavailable,
    advice:
      "Something takes the connection and cuts it, which proves nothing of the member: clientUrl's scheme (http, https) is not the member's, a proxy is in between, or the member is just stopping.",
  },
  {
    reason: 'ConnectTimeout',
    details: /Deadline exceeded.*Waiting for LB pick/,
    error: EtcdUnavailable,
    advice:
      'No connection came about in time: a security group or firewall drops the packets, the machine or the member is frozen, or etcd is starting and waits for its peers.',
  },
  {
    reason: 'Proxy',
    details: /Received HTTP status code (429|502|503|504)/,
    error: EtcdUnavailable,
    advice: "A proxy answers here, and not etcd: clientUrl must be etcd's own client port, with no proxy in between.",
  },
  {
    reason: 'ServerTimeout',
    details: /etcdserver: request timed out|context deadline exceeded/,
    error: EtcdUnavailable,
    advice:
      'etcd could not agree in time: it is overloaded, or a quorum is lost. Look at the disks and the load of its members, and which of them are down.',
  },
];

const DEADLINE: Omit<Row, 'details'> = {
  reason: 'Deadline',
  error: EtcdUnavailable,
  advice: 'The member did not answer in time: it is busy, defragmenting or frozen, or etcd cannot agree.',
};

/** gRPC status codes (https://grpc.io/docs/guides/status-codes/) for messages that no row above knows. */
const BY_CODE: Readonly<Record<number, Omit<Row, 'details'>>> = {
  // A member whose clock is ahead of the client's by a moment cancels the call at its deadline.
  1: DEADLINE,
  4: DEADLINE,
  12: {
    reason: 'Unimplemented',
    error: PreconditionFailed,
    advice:
      "What answers here does not know etcd's v3 API: clientUrl must be etcd's own client port, with no proxy in between.",
  },
  14: {
    reason: 'Unavailable',
    error: EtcdUnavailable,
    advice:
      'The member does not serve this now: it is starting or stopping, or something in between cuts the connection. Look at its service and its log.',
  },
};
const UNKNOWN: Omit<Row, 'details'> = {
  reason: 'Unknown',
  error: PreconditionFailed,
  advice: "This answer is not known here. Look into the member's log for what it says at this moment.",
};

/** What OpenSSL, Node and grpc-js wrap around the words that a responder needs. */
const NOISE: readonly [RegExp, string][] = [
  [/[0-9A-F]+:error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):.*$/s, '$1'],
  [/ \(\d{4}-\d\d-\d\dT[\d:.]+Z\)/, ''],
  [/; if the root CA is installed locally.*/, ''],
  [/\. Resolution note: $/, ''],
  [/^(Deadline exceeded after [\d.]+s),.*/, '$1'],
];

/**
 * @param call `Maintenance/defragment`
 * @param endpoint the member's client URL
 * @param caller what has to be corrected depends on it
 * @returns an error of the taxonomy whose `reason` is the row's: `NoSpace`, `Compacted`, `Refused`...
 */
export function toRemediationError(
  call: string,
  endpoint: string,
  error: GrpcError,
  caller: Caller = 'nobody',
): RemediationError {
  const row = BY_MESSAGE.find((candidate) => candidate.details.test(error.details)) ?? BY_CODE[error.code] ?? UNKNOWN;
  const details = NOISE.reduce((text, [noise, rest]) => text.replace(noise, rest), error.details);
  const advice = typeof row.advice === 'string' ? row.advice : row.advice[caller];
  return new row.error(`${endpoint}: ${advice} Seen: "${details}" (${call}, gRPC code ${error.code}).`, row.reason);
}

/** What each of these reasons proves of the member; any other is a word of its own: a refusal, or that it is busy. */
const SILENCES: Readonly<Record<string, Silence>> = {
  NoLeader: 'leaderless',
  Refused: 'away',
  ConnectTimeout: 'away',
  Deadline: 'away',
  NameUnknown: 'unreached',
  WrongScheme: 'unreached',
  NotEtcd: 'unreached',
  NoRoute: 'unreached',
  ConnectionLost: 'unreached',
  Proxy: 'unreached',
  Unimplemented: 'unreached',
  Unavailable: 'unreached',
  Unknown: 'unreached',
};

/** What an error proves of the member that was asked. */
export function silenceOf(error: RemediationError): Silence {
  return SILENCES[error.reason ?? ''] ?? (error instanceof EtcdUnavailable ? 'busy' : 'refused');
}

/** Whether `error` has one of `reasons`. */
export function hasReason(error: unknown, ...reasons: string[]): boolean {
  return error instanceof Error && 'reason' in error && reasons.includes(String(error.reason));
}

/** Whether a change was made now; `reasons` are etcd's words for one that was made before. */
export async function changed(change: Promise<unknown>, ...reasons: string[]): Promise<boolean> {
  try {
    await change;
    return true;
  } catch (error) {
    if (hasReason(error, ...reasons)) return false;
    throw error;
  }
}
