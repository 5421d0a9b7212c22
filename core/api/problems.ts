/**
 * What a caller of the API, or of the command line, is refused with. A closed set: tooling may tell by the kind what to do, and by the status
 * whether it was the caller (4xx) or us (5xx).
 */
export const PROBLEMS = {
  'invalid-request': { status: 400, title: 'The request is not as it has to be' },
  forbidden: { status: 403, title: 'The caller may not do this' },
  'unknown-route': { status: 404, title: 'There is nothing at this path' },
  'unknown-cluster': { status: 404, title: 'This cluster does not exist' },
  'unknown-remediation': { status: 404, title: 'This remediation does not exist' },
  'unknown-job': { status: 404, title: 'This backup or rehearsal does not exist' },
  'method-not-allowed': { status: 405, title: 'This path does not take this method' },
  'already-in-progress': { status: 409, title: 'Another remediation runs for the cluster' },
  'key-reused': { status: 409, title: 'This idempotency key has started something else' },
  'not-waiting': { status: 409, title: 'The remediation does not wait for an approval' },
  'stale-approval': { status: 409, title: 'The remediation waits for an answer to another question' },
  'already-answered': { status: 409, title: 'The question was answered already, or is not asked any more' },
  busy: {
    status: 409,
    title: 'The remediation is re-checking its cluster or handling another incident, and takes no answer meanwhile',
  },
  'already-ended': { status: 409, title: 'The remediation has ended already' },
  'too-large': { status: 413, title: 'The body is too large' },
  throttled: { status: 429, title: 'There are too many requests' },
  'internal-error': { status: 500, title: 'Something went wrong here' },
  'backups-not-listed': { status: 502, title: 'The backups could not be listed' },
  'diagnosis-failed': { status: 502, title: 'The cluster could not be diagnosed' },
  unavailable: { status: 503, title: 'An AWS API does not answer at the moment' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemKind = keyof typeof PROBLEMS;

/** The `type` of a problem (RFC 9457): a name, at which nothing is to be found. */
export function problemType(kind: ProblemKind): string {
  return `urn:etcd-remediation:problem:${kind}`;
}

/** A refusal. Its `name` is its kind, so that it differs from any other error without a class. */
export class Problem extends Error {
  override readonly name: ProblemKind;
  /** The remediation that is in the way, or that is meant. */
  readonly remediation: string | undefined;

  /** @param detail what was seen, what it means, and what to do @param cause for the operators of the API, not for its callers */
  constructor(
    name: ProblemKind,
    detail: string,
    { remediation, cause }: { remediation?: string; cause?: unknown } = {},
  ) {
    super(detail, { cause });
    this.name = name;
    this.remediation = remediation;
  }
}
