import type { RemediationError } from '../../core/errors.ts';

/** As whom a call was made: with a login, or as the user that the client certificate names, or as nobody. */
export type Caller = 'login' | 'certificate' | 'nobody';

type ErrorClass = new (message: string, reason: string) => RemediationError;

/** What one answer, or the want of one, means to a responder; and by its error whether trying again can help. */
export interface Meaning {
  reason: string;
  error: ErrorClass;
  advice: string | Readonly<Record<Caller, string>>;
}

export interface Row extends Meaning {
  /** Matched against the message, for etcd uses one gRPC code for opposite things ("database space exceeded", "too many requests"). */
  details: RegExp;
}
