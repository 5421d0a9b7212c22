import * as z from 'zod';
import type { NewestBackup } from '../backups/newest.ts';
import type { MemberFacts } from '../cluster/cluster-view.ts';
import { clusterName } from '../cluster/clusters.ts';
import type { HostReach } from '../cluster/evidence.ts';
import { INCIDENTS } from '../runbooks.ts';

/** The result of a look at a whole cluster: which incident it has, and so which runbook is next. IDs are hex, raft indexes and revisions decimal strings. */

/**
 * In the order in which they are remediated: the first that is present is the incident. No runbook cures `member-inaccessible`: that
 * something between a member and us keeps us from it, or that it refuses us; nor `quorum-inaccessible`: that this is so of so many members that nobody
 * can say whether a quorum is there. These are for a person.
 */
export const CONDITIONS = ['quorum-inaccessible', ...INCIDENTS, 'member-inaccessible'] as const;
export type Condition = (typeof CONDITIONS)[number];

/** diagnose-cluster: by its name: a caller may ask for a diagnosis, but may not choose where the cluster's login is sent. */
export const diagnoseClusterInput = z.strictObject({ cluster: clusterName });
export interface Diagnosis {
  incident: Condition | 'healthy';
  /** For a responder who has just been woken up. */
  summary: string;
  /** What is present besides, in the order in which it is remediated. */
  others: Condition[];
  members: MemberFacts[];
  hosts: HostFacts[];
  warnings: Warning[];
  /** Of a cluster whose backups are made here. */
  backup?: NewestBackup;
}

interface HostFacts extends HostReach {
  /** Whose host it is; empty for a spare one. */
  member: string;
}

/** Warnings that a member that answers, or that etcd lists, is not the configured one. While one is there, no runbook changes what it is about. */
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

/** Warnings of certificates: that one is out of time, that it will be soon, that it does not fit. */
export const CERTIFICATE_WARNINGS = ['certificate-expired', 'certificate-expiring', 'certificate-unfit'] as const;

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
    | (typeof CERTIFICATE_WARNINGS)[number]
    | 'even-voters'
    | (typeof IDENTITY_WARNINGS)[number]
    | 'authentication-disabled'
    | 'tokens-differ'
    | 'tokens-unknown'
    | 'clock-skew'
    | 'host-unreachable'
    | 'hosts-unknown'
    | 'backup-late'
    | 'backups-unknown';
  /** A sentence. */
  message: string;
}
