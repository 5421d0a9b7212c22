import { hostsOf } from '../../core/contracts/clusters.ts';
import { type Diagnosis, diagnoseClusterInput, type HostReach } from '../../core/contracts/diagnosis.ts';
import { diagnose } from '../../core/decisions/diagnose.ts';
import { EVIDENCE_BUDGET_MS, inTime, observeEvidence, problemOf } from '../etcd/evidence.ts';
import { lookForHosts } from '../hosts/commands.ts';
import { etcdStep } from '../step.ts';

/**
 * One look at everything that tells of a cluster: which incident does it have? What does not answer is evidence, and costs no more than its time.
 * @throws PreconditionFailed where members refuse us, or a secret cannot be used; AwsUnavailable where the secrets cannot be read
 */
export const handler = etcdStep(diagnoseClusterInput, async (etcd, { cluster }): Promise<Diagnosis> => {
  const until = Date.now() + EVIDENCE_BUDGET_MS;
  const [seen, hosts] = await Promise.all([
    observeEvidence(etcd, cluster, until),
    reach([...new Set(hostsOf(cluster))], until),
  ]);
  return diagnose(cluster, { ...seen, hosts });
});

async function reach(hosts: string[], until: number): Promise<HostReach[]> {
  try {
    return await inTime(lookForHosts(hosts), until);
  } catch (error) {
    const problem = problemOf(error);
    return hosts.map((host) => ({ host, reachable: 'unknown', problem }));
  }
}
