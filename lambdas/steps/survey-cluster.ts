import { type ClusterSurvey, surveyClusterInput } from '../../core/contracts/check.ts';
import type { Cluster } from '../../core/contracts/clusters.ts';
import { parse } from '../../core/contracts/parse.ts';
import { inspectionsOf } from '../../core/decisions/check-survey.ts';
import { PreconditionFailed } from '../../core/errors.ts';
import { readCertificates } from '../etcd/certificates.ts';
import { EtcdCluster } from '../etcd/cluster.ts';
import { type ClusterSecrets, readSecrets } from '../etcd/secrets.ts';

const LOOK_MS = 3_000;

/**
 * What a check wants to know besides the diagnosis, and which hosts it looks at. What cannot be read is a part of the answer.
 * @throws AwsUnavailable where the secrets cannot be asked for
 */
export async function handler(event: unknown): Promise<ClusterSurvey> {
  const { cluster } = parse(surveyClusterInput, event, "The step's input");
  return { ...(await surveyMembers(cluster)), inspections: inspectionsOf(cluster) };
}

async function surveyMembers(
  cluster: Cluster,
): Promise<Pick<ClusterSurvey, 'secretsProblem' | 'certificates' | 'members'>> {
  let secrets: ClusterSecrets;
  try {
    secrets = await readSecrets(cluster);
  } catch (error) {
    if (!(error instanceof PreconditionFailed)) throw error;
    return { secretsProblem: error.message, certificates: [], members: [] };
  }
  const certificates = await readCertificates(cluster, secrets);
  try {
    return { secretsProblem: '', certificates, members: await sizesOf(cluster, secrets) };
  } catch (error) {
    if (!(error instanceof PreconditionFailed)) throw error;
    return { secretsProblem: error.message, certificates, members: [] };
  }
}

/** @throws PreconditionFailed where the certificate and the key do not belong together */
async function sizesOf(cluster: Cluster, secrets: ClusterSecrets): Promise<ClusterSurvey['members']> {
  const etcd = new EtcdCluster(cluster, secrets);
  try {
    const seen = await etcd.observeMembers((member) => member.status(LOOK_MS));
    return seen.flatMap((member) => {
      if (!member.answering) return [];
      const { name, version, storageVersion, dbSizeBytes, quotaBytes } = member;
      return [{ name, version, storageVersion, dbSizeBytes, quotaBytes }];
    });
  } finally {
    etcd.close();
  }
}
