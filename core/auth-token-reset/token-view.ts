import type { ClusterView } from '../cluster/cluster-view.ts';
import type { Cluster } from '../cluster/clusters.ts';
import type { Evidence } from '../cluster/evidence.ts';
import { mistakenAnswers } from '../cluster/identity.ts';
import { RemediationError } from '../errors.ts';
import type { MemberTokens } from './contracts.ts';
import { isOpen, surveyTokens } from './token-status.ts';

/** What fresh tokens have shown, where there were any. */
export interface TokenView {
  /** The configuration names a login, and etcd runs without authentication. */
  isOpen: boolean;
  members: MemberTokens[];
  /** Why nothing is known; empty where something is, or where the cluster has no authentication. */
  problem: string;
}

export function viewTokens(cluster: Cluster, evidence: Evidence, { observation }: ClusterView): TokenView {
  const nothing: TokenView = { isOpen: false, members: [], problem: '' };
  if (!cluster.auth) return nothing;
  if (evidence.probes.length === 0) return { ...nothing, problem: evidence.probesProblem };
  const seen = { ...observation, probes: evidence.probes, window: null };
  if (isOpen(seen)) return { ...nothing, isOpen: true };
  if (mistakenAnswers(cluster.members, evidence).some(({ kind }) => kind !== 'another-cluster')) {
    return {
      ...nothing,
      problem: 'another member than the configured one answers, and it accepted or refused the token.',
    };
  }
  try {
    return { ...nothing, members: surveyTokens(cluster.members, seen).members };
  } catch (error) {
    if (!(error instanceof RemediationError)) throw error;
    return { ...nothing, problem: error.message };
  }
}
