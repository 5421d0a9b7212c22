import { type Cluster, hostsOf } from '../../core/cluster/clusters.ts';
import type { HashReading } from '../../core/cluster/compared-hashes.ts';
import type { HostReach } from '../../core/cluster/evidence.ts';
import type { Observation } from '../../core/cluster/observation.ts';
import { diagnose, withBackup } from '../../core/diagnosis/diagnose.ts';
import { type Diagnosis, diagnoseClusterInput } from '../../core/diagnosis/diagnosis.ts';
import { comparableVoters } from '../../core/member-repair/comparable-voters.ts';
import { corruptAlarmsOf } from '../../core/member-repair/judge-hashes.ts';
import { parse } from '../../core/text/parse.ts';
import { lookForNewestBackup } from '../backups/newest-backup.ts';
import { connect, type EtcdCluster } from '../etcd/cluster.ts';
import { EVIDENCE_BUDGET_MS, inTime, observeEvidence, problemOf } from '../etcd/evidence.ts';
import { readHashes } from '../etcd/hashes.ts';
import { observeHosts } from '../hosts/commands.ts';
import { readRegistry } from '../registry.ts';

/** A member computes the hash of a gigabyte in about a second, and commits nothing meanwhile: what takes longer is left to the runbook. */
const MAX_COMPARED_BYTES = 256 * 1024 * 1024;

/**
 * One look at everything that says something of a cluster: which incident does it have? What does not answer is evidence, and costs no more
 * than its time.
 * @throws PreconditionFailed where a secret cannot be used; AwsUnavailable where the secrets or the configuration cannot be read;
 *   InvalidInput where there is no such cluster
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
    const hashes = await compare(etcd, cluster, seen, until);
    return withBackup(cluster, diagnose(cluster, { ...seen, hosts, ...(hashes && { hashes }) }), backup);
  } finally {
    etcd.close();
  }
}

/**
 * etcd raises CORRUPT only where its own checks are enabled, which they are not by default. @returns nothing where the voters cannot be
 * compared now
 */
async function compare(
  etcd: EtcdCluster,
  cluster: Cluster,
  seen: Observation,
  until: number,
): Promise<HashReading | undefined> {
  try {
    const voters = comparableVoters(cluster.members, seen);
    if (voters.length < 2 || voters.some(({ dbSizeBytes }) => dbSizeBytes > MAX_COMPARED_BYTES)) return undefined;
    return await inTime(readHashes(etcd, voters, until, corruptAlarmsOf(seen).length > 0), until);
  } catch (error) {
    problemOf(error);
    return undefined;
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
