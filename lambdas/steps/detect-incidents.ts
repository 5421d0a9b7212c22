import { isDeepStrictEqual } from 'node:util';
import { AWS_CLIENT } from '../../client/aws.ts';
import type { Cluster } from '../../core/cluster/clusters.ts';
import { type DetectedIncidents, detectIncidentsInput } from '../../core/diagnosis/detection.ts';
import { type Measured, measure, measureFailure, withBackupAge } from '../../core/diagnosis/metrics.ts';
import { parse } from '../../core/text/parse.ts';
import { lookForNewestBackup } from '../backups/newest-backup.ts';
import { logMetrics } from '../embedded-metrics.ts';
import { connect } from '../etcd/cluster.ts';
import { EVIDENCE_BUDGET_MS, observeEvidence } from '../etcd/evidence.ts';
import { readRegistry } from '../registry.ts';

/**
 * Systems Manager serves 40 parameters in a second, so a thousand detectors at once take 25 s. When throttled, the SDK waits for up
 * to half a second, then twice as long each time: at most 0.5 + 1 + 2 + 4 + 8 + 16 + 20 = 51.5 s, on average half of that. That leaves time
 * for a look within the minute.
 */
const PATIENT = { ...AWS_CLIENT, maxAttempts: 8 };
/** A configuration changes with a deployment. */
const KEPT_MS = 10 * 60_000;

/** A backup is made each quarter of an hour at most, and S3 bills each look. */
const BACKUP_KEPT_MS = 5 * 60_000;

/** While this environment is warm. */
const newest = new Map<string, { takenAt: string; untilMs: number }>();
const known = new Map<string, { cluster: Cluster; untilMs: number }>();

/**
 * Looks at a cluster as a diagnosis does, but for its hosts, and writes what it saw to the log as metrics. A look that fails says so there, too.
 * @throws as diagnose-cluster and load-cluster do
 */
export async function handler(event: unknown): Promise<DetectedIncidents> {
  const { cluster: name } = parse(detectIncidentsInput, event, "The step's input");
  try {
    const { measurements, summary } = await measured(name);
    return { lines: logMetrics(measurements), summary };
  } catch (error) {
    logMetrics([measureFailure(name)]);
    throw error;
  }
}

/** By the configuration that is known, if that finds the cluster healthy: whatever else it finds may be what a new one has corrected. */
async function measured(name: string): Promise<Measured> {
  const kept = known.get(name);
  if (kept && kept.untilMs > Date.now()) {
    const seen = await look(kept.cluster).catch(() => undefined);
    if (seen?.measurements[0]?.values.IncidentPresent === 0) return seen;
    known.delete(name);
    const cluster = await readRegistry(name, PATIENT);
    if (seen && isDeepStrictEqual(cluster, kept.cluster)) return seen;
    return look(cluster);
  }
  const cluster = await readRegistry(name, PATIENT);
  const seen = await look(cluster);
  known.set(name, { cluster, untilMs: Date.now() + KEPT_MS });
  return seen;
}

async function look(cluster: Cluster): Promise<Measured> {
  const etcd = await connect(cluster);
  try {
    const [seen, takenAt] = await Promise.all([
      observeEvidence(etcd, cluster, Date.now() + EVIDENCE_BUDGET_MS),
      newestTakenAt(cluster),
    ]);
    return withBackupAge(measure(cluster, { ...seen, hosts: [] }), takenAt, Date.now());
  } finally {
    etcd.close();
  }
}

/** When the newest backup was taken, ISO 8601; empty where there is none, or where it cannot be seen. */
async function newestTakenAt(cluster: Cluster): Promise<string> {
  const kept = newest.get(cluster.name);
  if (kept && kept.untilMs > Date.now()) return kept.takenAt;
  const { takenAt = '' } = (await lookForNewestBackup(cluster)) ?? {};
  newest.set(cluster.name, { takenAt, untilMs: Date.now() + BACKUP_KEPT_MS });
  return takenAt;
}
