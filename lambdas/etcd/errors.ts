import { EtcdUnavailable, PreconditionFailed, type RemediationError, UnsafeToProceed } from '../../core/errors.ts';

/** What grpc-js hands to a callback. */
export interface GrpcError {
  code: number;
  details: string;
}

type ErrorClass = new (message: string, reason: string) => RemediationError;
interface Row {
  reason: string;
  /** Matched against the message, for etcd uses one gRPC code for opposite things ("database space exceeded", "too many requests"). */
  details: RegExp;
  error: ErrorClass;
  advice: string;
}

/** etcd's and grpc-js's own messages, the more specific first; what each means to a responder, and whether trying again can help. */
const BY_MESSAGE: readonly Row[] = [
  {
    reason: 'TokenRejected',
    details: /invalid auth token|revision of auth store is old|revision in header is old/,
    error: PreconditionFailed,
    advice:
      'The member rejects a token that was issued a moment ago, also after a second login: see the incident auth-token-invalid.',
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
    reason: 'LoginRequired',
    details: /user name is empty/,
    error: PreconditionFailed,
    advice: 'etcd asks for a login: name a secret under "auth" in clusters.json.',
  },
  {
    reason: 'PermissionDenied',
    details: /permission denied/,
    error: PreconditionFailed,
    advice: "The user may not do this: the cluster's auth secret must hold a user with the root role.",
  },
  {
    reason: 'NoLeader',
    details: /etcdserver: no leader/,
    error: EtcdUnavailable,
    advice: 'The cluster has no leader: an election is under way, or a quorum is lost.',
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
    error: EtcdUnavailable,
    advice: 'The chosen member cannot become leader now.',
  },
  {
    reason: 'NoSpace',
    details: /database space exceeded/,
    error: PreconditionFailed,
    advice: 'The store is full and refuses writes: see the incident space-exceeded.',
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
    reason: 'LearnerRefused',
    details: /rpc not supported for learner/,
    error: PreconditionFailed,
    advice: 'The member is a learner and does not serve this call.',
  },
  {
    reason: 'Corrupt',
    details: /corrupt/i,
    error: UnsafeToProceed,
    advice: "The member's data is reported corrupt: nothing may be changed before it is replaced.",
  },
  {
    reason: 'NameUnknown',
    details: /Name resolution failed/,
    error: EtcdUnavailable,
    advice: 'The host name in clientUrl is not known to DNS.',
  },
  {
    reason: 'Tls',
    details: /ERR_TLS|ERR_SSL|certificate|self-signed|altname|secure TLS connection|SSL routines|EPROTO/i,
    error: PreconditionFailed,
    advice:
      "TLS was not agreed on: compare clientUrl's scheme with the member's, and the cluster's tls secret (ca, cert, key) with the member's certificate.",
  },
  {
    reason: 'Refused',
    details: /ECONNREFUSED|EHOSTUNREACH|ENETUNREACH/,
    error: EtcdUnavailable,
    advice:
      'Nothing answers at this address: the member is down, clientUrl is wrong, or a security group is in between.',
  },
  {
    reason: 'ConnectionLost',
    details: /Connection dropped|ECONNRESET|GOAWAY|socket hang up|No connection established/i,
    error: EtcdUnavailable,
    advice: 'The connection was cut: the member stopped, or one side speaks TLS and the other does not.',
  },
  {
    reason: 'ServerTimeout',
    details: /etcdserver: request timed out|context deadline exceeded|leader transfer took too long/,
    error: EtcdUnavailable,
    advice: 'etcd could not agree in time: it is overloaded, or a quorum is lost.',
  },
];

/** gRPC status codes (https://grpc.io/docs/guides/status-codes/) for messages that no row above knows. */
const BY_CODE: Readonly<Record<number, Omit<Row, 'details'>>> = {
  1: { reason: 'Cancelled', error: EtcdUnavailable, advice: 'The call was cut off.' },
  4: { reason: 'Deadline', error: EtcdUnavailable, advice: 'The member did not answer in time.' },
  12: {
    reason: 'Unimplemented',
    error: PreconditionFailed,
    advice: 'This etcd does not know the call: is clientUrl its client port?',
  },
  14: { reason: 'Unavailable', error: EtcdUnavailable, advice: 'The member cannot be reached.' },
};
const UNKNOWN: Omit<Row, 'details'> = {
  reason: 'Unknown',
  error: PreconditionFailed,
  advice: 'This answer is not expected here.',
};

/**
 * @param call `Maintenance/defragment`
 * @param endpoint the member's client URL
 * @returns an error of the taxonomy whose `reason` is the row's: `NoSpace`, `Compacted`, `Refused`...
 */
export function toRemediationError(call: string, endpoint: string, error: GrpcError): RemediationError {
  const row = BY_MESSAGE.find((candidate) => candidate.details.test(error.details)) ?? BY_CODE[error.code] ?? UNKNOWN;
  const details = error.details.replace(/\. Resolution note: $/, '');
  return new row.error(`${endpoint} ${call}: "${details}" (gRPC code ${error.code}). ${row.advice}`, row.reason);
}

/** Whether `error` has one of `reasons`. */
export function hasReason(error: unknown, ...reasons: string[]): boolean {
  return error instanceof Error && 'reason' in error && reasons.includes(String(error.reason));
}
