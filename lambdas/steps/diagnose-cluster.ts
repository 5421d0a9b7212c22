import { hostsOf } from '../../core/cluster/clusters.ts';
import type { HostReach } from '../../core/cluster/evidence.ts';
import { diagnose, withBackup } from '../../core/diagnosis/diagnose.ts';
import { type Diagnosis, diagnoseClusterInput } from '../../core/diagnosis/diagnosis.ts';
import { parse } from '../../core/text/parse.ts';
import { lookForNewestBackup } from '../backups/newest-backup.ts';
import { connect } from '../etcd/cluster.ts';
import { EVIDENCE_BUDGET_MS, inTime, observeEvidence, problemOf } from '../etcd/evidence.ts';
import { observeHosts } from '../hosts/commands.ts';
import { readRegistry } from '../registry.ts';

/**
 * One look at everything that says something of a cluster: which incident does it have? What does not answer is evidence, and costs no more than its time.
 * @throws PreconditionFailed where a secret cannot be used; AwsUnavailable where the secrets or the configuration cannot be
 *   read; InvalidInput where there is no such cluster
 */
export async function handler(event: unknown): Promise<Diagnosis> {
  const { cluster: name } = parse(diagnoseClusterInput, event, "The step's input");
  const cluster = await readRegistry(name);
  const etcd = await connect(cluster);
  try {
    const until = Date.now() + EVIDENCE_BUDGET_MS;
    const [seen, hosts, backup] = await Promise.all([
      observeEvidence(etcd, cluster, until),
      reach([...new Set(hostsOf(cluster))], until),
      lookForNewestBackup(cluster),
    ]);
    return withBackup(cluster, diagnose(cluster, { ...seen, hosts }), backup);
  } finally {
    etcd.close();
  }
}

async function reach(hosts: string[], until: number): Promise<HostReach[]> {
  try {
    return await inTime(observeHosts(hosts), until);
  } catch (error) {
    const problem = problemOf(error);
    return hosts.map((host) => ({ host, reachable: 'unknown', problem }));
  }
}
