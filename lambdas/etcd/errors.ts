import type { Silence } from '../../core/cluster/observation.ts';
import { EtcdUnavailable, PreconditionFailed, type RemediationError } from '../../core/errors.ts';
import { ANSWERS } from './answers.ts';
import { CONNECTION_FAILURES } from './connection-failures.ts';
import type { Caller, Meaning } from './meaning.ts';

/** What grpc-js hands to a callback. */
export interface GrpcError {
  code: number;
  details: string;
}

const DEADLINE: Meaning = {
  reason: 'Deadline',
  error: EtcdUnavailable,
  advice: 'The member did not answer in time: it is busy, defragmenting or frozen, or etcd cannot agree.',
};

/** gRPC status codes (https://grpc.io/docs/guides/status-codes/) for messages that neither etcd's answers nor the failures of a connection have. */
const BY_CODE: Readonly<Record<number, Meaning>> = {
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
const UNKNOWN: Meaning = {
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
  const row =
    [...ANSWERS, ...CONNECTION_FAILURES].find((candidate) => candidate.details.test(error.details)) ??
    BY_CODE[error.code] ??
    UNKNOWN;
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
