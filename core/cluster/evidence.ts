import type { Certificate } from './certificates.ts';
import type { HashReading } from './compared-hashes.ts';
import type { Observation } from './observation.ts';

/**
 * What is known of a cluster at one moment. What did not answer is a part of it. `memberList` and `alarms` are what a quorum agreed on
 * when it was asked; both are empty where `agreementProblem` is not.
 */
export interface Evidence extends Observation {
  /** Why no quorum could be asked: then no alarm was seen, which is not to say that none is raised. Empty where one answered, which proves that it is there. */
  agreementProblem: string;
  /** Members that have learnt of a commit between two looks, which proves a quorum as well: see committedSince. */
  committing: string[];
  /** Why the login cannot do what a runbook has to; empty where it can, or where nobody could tell. */
  loginProblem: string;
  /** A fresh token of each voter, used at each member. Empty where the cluster has no `auth`, or where it was not tried. */
  probes: TokenProbe[];
  /** Why it was not tried, or did not end. */
  probesProblem: string;
  /** Those of the tls secret, and what members show to clients. Empty where clients speak to it without TLS. */
  certificates: Certificate[];
  /** When they were read, in milliseconds since 1970. */
  readAt: number;
  /** One for each host of the configuration, those of spare hosts too. */
  hosts: HostReach[];
  /** Of the healthy voters; not there where they were not compared. */
  hashes?: HashReading;
}

/** Whether Run Command can reach a host. */
export interface HostReach {
  host: string;
  /** `unknown`: SSM did not say. */
  reachable: boolean | 'unknown';
  /** Empty where it can. */
  problem: string;
}

/** One member's part in it. */
export interface TokenProbe {
  member: string;
  login: LoginAnswer;
  /** One for each token that was issued, its own too. */
  uses: TokenUse[];
}

/**
 * `Issued` a token; `Open`: authentication is not enabled; `WrongPassword`; `Learner`, which issues none; `Refused` for another reason;
 * `Unanswered`.
 */
export interface LoginAnswer {
  answer: 'Issued' | 'Open' | 'WrongPassword' | 'Learner' | 'Refused' | 'Unanswered';
  /** Of the token; empty where none was issued. A simple token is known to members, a JWT is checked by its signature. */
  format: 'simple' | 'jwt' | '';
  problem: string;
}

/** `Outdated`: the member's auth store is newer than the one that the token was issued by. */
export interface TokenUse {
  issuer: string;
  answer: 'Taken' | 'Rejected' | 'Outdated' | 'Refused' | 'Unanswered';
  problem: string;
}
