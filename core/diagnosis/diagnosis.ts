import * as z from 'zod';
import type { TokenProbe } from '../auth-token-reset/contracts.ts';
import { clusterName } from '../cluster/clusters.ts';
import type { Observation } from '../cluster/observation.ts';
import type { Incident } from '../remediation/execution-input.ts';

/** What a look at a whole cluster comes to: which incident it has, whose runbook is next. IDs are hex, raft indexes and revisions decimal strings. */

/**
 * What can be told of a cluster at one moment. What did not answer is a part of it. `memberList` and `alarms` are what a quorum agreed on
 * when it was asked; both are empty where `agreementProblem` is not.
 */
export interface Evidence extends Observation {
  /** Why no quorum could be asked: then no alarm was seen, which is not to say that none is raised. Empty where one answered, which proves that it is there. */
  agreementProblem: string;
  /** Members that have learnt of a commit between two looks, which proves a quorum as well: see committedSince. */
  committing: string[];
  /** Why the login cannot do what a runbook has to; empty where it can, or where nobody could tell. */
  loginProblem: string;
  /** A fresh token of each voter, used at each member, in the order of `members`. Empty where the cluster has no `auth`, or where it was not tried. */
  probes: TokenProbe[];
  /** Why it was not tried, or came to no end. */
  probesProblem: string;
  /** One for each host of the configuration, those of spare hosts too. */
  hosts: HostReach[];
}

/** Whether Run Command can reach a host. */
export interface HostReach {
  host: string;
  /** `unknown`: SSM did not say. */
  reachable: boolean | 'unknown';
  /** Empty where it can. */
  problem: string;
}

/**
 * In the order in which they are seen to: the first that is present is the incident. No runbook cures `data-corrupt`, or `member-inaccessible`: that
 * something between a member and us keeps us from it, or that it refuses us; nor `quorum-inaccessible`: that this is so of so many members that nobody
 * can tell whether a quorum is there. These are for a person.
 */
export const CONDITIONS = [
  'data-corrupt',
  'quorum-inaccessible',
  'quorum-lost',
  'space-exceeded',
  'member-failed',
  'auth-token-invalid',
  'member-inaccessible',
] as const satisfies (Incident | 'data-corrupt' | 'quorum-inaccessible' | 'member-inaccessible')[];
export type Condition = (typeof CONDITIONS)[number];

/** diagnose-cluster: by its name, for whoever may ask for a diagnosis may not say where the cluster's login is sent. */
export const diagnoseClusterInput = z.strictObject({ cluster: clusterName });
export interface Diagnosis {
  incident: Condition | 'healthy';
  /** For a responder who has just been woken up. */
  summary: string;
  /** What is present besides, in the order in which it is seen to. */
  others: Condition[];
  members: MemberFacts[];
  hosts: HostFacts[];
  warnings: Warning[];
}

export interface MemberFacts {
  name: string;
  /**
   * `behind`: in its place, and not caught up; `joining`: a learner that nobody has promoted; `refusing`: it runs and does not serve us;
   * `unreached`: what was seen says nothing of the member itself, or others show it at work; `unknown`: no quorum to judge it by.
   */
  state: 'healthy' | 'behind' | 'joining' | 'failed' | 'refusing' | 'unreached' | 'unknown';
  /** Why it is not healthy; empty where it is. */
  problem: string;
  /** Log entries between it and the leader, or the furthest member where no leader answers; empty where it does not answer. */
  lagEntries: string;
  /** All of it in a line: `follows node1, etcd 3.5.30, ...`. */
  facts: string;
}

interface HostFacts extends HostReach {
  /** Whose host it is; empty for a spare one. */
  member: string;
}

/** Warnings that who answers, or whom etcd lists, is not what the configuration says: while one is there, no runbook changes what it is about. */
export const IDENTITY_WARNINGS = [
  'unknown-to-etcd',
  'not-configured',
  'another-cluster',
  'shared-address',
  'answered-by-another',
  'grpc-proxy',
  'equal-names',
  'name-differs',
  'alias',
  'peer-url-differs',
] as const;

/** Nothing that stops a cluster now, and all of it worth a person's time. */
export interface Warning {
  kind:
    | 'alarms-unknown'
    | 'login-unfit'
    | 'unsettled'
    | 'behind'
    | 'nearly-full'
    | 'quota-contradicted'
    | 'fragmented'
    | 'known-defect'
    | 'version-skew'
    | 'downgrade-enabled'
    | 'even-voters'
    | (typeof IDENTITY_WARNINGS)[number]
    | 'authentication-disabled'
    | 'tokens-differ'
    | 'tokens-unknown'
    | 'clock-skew'
    | 'host-unreachable'
    | 'hosts-unknown';
  /** A sentence. */
  message: string;
}
