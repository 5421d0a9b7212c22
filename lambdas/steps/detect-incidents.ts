import { type DetectedIncidents, detectIncidentsInput } from '../../core/contracts/detection.ts';
import { parse } from '../../core/contracts/parse.ts';
import { measure, measureFailure } from '../../core/decisions/metrics.ts';
import { logMetrics } from '../embedded-metrics.ts';
import { connect } from '../etcd/cluster.ts';
import { EVIDENCE_BUDGET_MS, observeEvidence } from '../etcd/evidence.ts';
import { readRegistry } from '../registry.ts';

/**
 * Looks at a cluster as a diagnosis does, but for its hosts, and writes what it saw to the log as metrics. A look that fails says so there, too.
 * @throws as diagnose-cluster and load-cluster do
 */
export async function handler(event: unknown): Promise<DetectedIncidents> {
  const { cluster: name } = parse(detectIncidentsInput, event, "The step's input");
  let loginProblem = '';
  try {
    const cluster = await readRegistry(name);
    const etcd = await connect(cluster);
    try {
      const seen = await observeEvidence(etcd, cluster, Date.now() + EVIDENCE_BUDGET_MS);
      loginProblem = seen.loginProblem;
      return { lines: logMetrics(measure(cluster, { ...seen, hosts: [] })) };
    } finally {
      etcd.close();
    }
  } catch (error) {
    logMetrics([measureFailure(name, loginProblem !== '')]);
    throw error;
  }
}
