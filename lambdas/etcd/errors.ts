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
    advice: 'Users or roles were changed since the token was issued, or are others on this member.',
  },
  {
    reason: 'AuthNotEnabled',
    details: /authentication is not enabled/,
    error: PreconditionFailed,
    advice: 'The configuration names a login, but etcd runs without authentication.',
  },
  {
    reason: 'WrongPassword',
    details: /authentication failed, invalid user ID or password/,
    error: PreconditionFailed,
    advice: "The user name or password is wrong: correct the cluster's auth secret.",
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
    advice: 'This member only verifies JWTs: its --auth-token names no priv-key, so it signs none.',
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
    advice: 'There is no such user.',
  },
  {
    reason: 'RootMissing',
    details: /root user does not/,
    error: PreconditionFailed,
    advice: 'Authentication can be enabled only where there is a user root with the role root.',
  },
  {
    reason: 'NoLeader',
    details: /etcdserver: no leader/,
    error: EtcdUnavailable,
    advice: 'The cluster has no leader: an election is under way, or a quorum is lost.',
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
    advice: 'The chosen member cannot lead: it is a learner, or not in the cluster any more.',
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
    advice: 'etcd takes no request of this size (--max-request-bytes).',
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
    advice: 'The member has more requests waiting than it can apply.',
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
    advice: 'etcd takes one learner at a time: promote or remove the one that is there.',
  },
  {
    reason: 'UnhealthyCluster',
    details: /etcdserver: unhealthy cluster/,
    error: EtcdUnavailable,
    advice: 'etcd changes its membership only once all its members have been connected for 5 seconds.',
  },
  {
    reason: 'NotEnoughStarted',
    details: /re-configuration failed due to not enough started members/,
    error: UnsafeToProceed,
    advice: 'With this change a quorum could be lost: not enough members are up.',
  },
  {
    reason: 'NameUnknown',
    details: /Name resolution failed/,
    error: EtcdUnavailable,
    advice: 'The host name in clientUrl is not known to DNS.',
  },
  {
    reason: 'Tls',
    details: /certificate|SSL routines/i,
    error: PreconditionFailed,
    advice:
      "TLS was not agreed on: compare the cluster's tls secret (ca, and cert and key where etcd asks for a client certificate) and clientUrl's host with the member's certificate.",
  },
  {
    reason: 'Refused',
    details: /ECONNREFUSED|EHOSTUNREACH|ENETUNREACH/,
    error: EtcdUnavailable,
    advice: 'Nothing listens at this address: the member is down, or clientUrl names the wrong host or port.',
  },
  {
    reason: 'ConnectionLost',
    details: /Connection dropped|ECONNRESET|No connection established/,
    error: EtcdUnavailable,
    advice: "The connection was cut: the member stopped, or clientUrl's scheme (http, https) is not the member's.",
  },
  {
    reason: 'ConnectTimeout',
    details: /Deadline exceeded.*Waiting for LB pick/,
    error: EtcdUnavailable,
    advice:
      'No connection came about in time: a security group or firewall drops the packets, or the machine or the member is frozen.',
  },
  {
    reason: 'ServerTimeout',
    details: /etcdserver: request timed out|context deadline exceeded/,
    error: EtcdUnavailable,
    advice: 'etcd could not agree in time: it is overloaded, or a quorum is lost.',
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
  14: { reason: 'Unavailable', error: EtcdUnavailable, advice: 'The member cannot serve this now.' },
};
const UNKNOWN: Omit<Row, 'details'> = {
  reason: 'Unknown',
  error: PreconditionFailed,
  advice: 'This answer is not expected here.',
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
  return new row.error(`${endpoint} ${call}: "${details}" (gRPC code ${error.code}). ${advice}`, row.reason);
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
