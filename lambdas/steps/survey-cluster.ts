import type { Cluster } from '../../core/cluster/clusters.ts';
import { isAnyLeaderFollowed } from '../../core/cluster/configured-quorum.ts';
import { type ClusterSurvey, SERVES, type SurveyedCluster, surveyClusterInput } from '../../core/diagnosis/check.ts';
import { inspectionsOf } from '../../core/diagnosis/check-survey.ts';
import { summarizeSurvey } from '../../core/diagnosis/summaries.ts';
import { PreconditionFailed, RemediationError } from '../../core/errors.ts';
import { parse } from '../../core/text/parse.ts';
import { readCertificates } from '../etcd/certificates.ts';
import { EtcdCluster, seenAt } from '../etcd/cluster.ts';
import type { EtcdMember } from '../etcd/member.ts';
import { type ClusterSecrets, readSecrets } from '../etcd/secrets.ts';

const LOOK_MS = 3_000;

/**
 * What a check wants to know besides the diagnosis, and which hosts it looks at. What cannot be read is a part of the answer.
 * @throws AwsUnavailable where the secrets cannot be asked for
 */
export async function handler(event: unknown): Promise<SurveyedCluster> {
  const { cluster } = parse(surveyClusterInput, event, "The step's input");
  const surveyed = { survey: await surveyMembers(cluster), inspections: inspectionsOf(cluster) };
  return { ...surveyed, summary: summarizeSurvey(surveyed) };
}

async function surveyMembers(cluster: Cluster): Promise<ClusterSurvey> {
  let secrets: ClusterSecrets;
  try {
    secrets = await readSecrets(cluster);
  } catch (error) {
    if (!(error instanceof PreconditionFailed)) throw error;
    return { secretsProblem: error.message, certificates: [], members: [], isLed: false, serves: 'unknown' };
  }
  const certificates = await readCertificates(cluster.members, secrets);
  try {
    return { secretsProblem: '', certificates, ...(await lookAtMembers(cluster, secrets)) };
  } catch (error) {
    if (!(error instanceof PreconditionFailed)) throw error;
    return { secretsProblem: error.message, certificates, members: [], isLed: false, serves: 'unknown' };
  }
}

/** @throws PreconditionFailed where the certificate and the key do not belong together */
async function lookAtMembers(
  cluster: Cluster,
  secrets: ClusterSecrets,
): Promise<Pick<ClusterSurvey, 'members' | 'isLed' | 'serves'>> {
  const etcd = new EtcdCluster(cluster, secrets);
  try {
    const seen = await etcd.observeMembers((member) => member.status(LOOK_MS));
    const answering = etcd.members.filter((member) => seenAt(member, seen)?.answering);
    const members = seen.flatMap((member) => {
      if (!member.answering) return [];
      const { name, clusterId, leaderId, raftTerm, raftCommittedIndex } = member;
      const { version, storageVersion, dbSizeBytes, quotaBytes } = member;
      const log = { clusterId, leaderId, raftTerm, raftCommittedIndex };
      return [{ name, ...log, version, storageVersion, dbSizeBytes, quotaBytes }];
    });
    const isLed = isAnyLeaderFollowed(cluster, { members: seen });
    return { members, isLed, serves: cluster.auth ? 'unknown' : await clientsServedBy(answering) };
  } finally {
    etcd.close();
  }
}

/** Says what is open, and not on which member: a client gets to any of them. */
async function clientsServedBy(members: readonly EtcdMember[]): Promise<ClusterSurvey['serves']> {
  const answers = await Promise.all(members.map((member) => member.authentication.serves().catch(ofNobodyKnows)));
  return SERVES.find((each) => answers.includes(each)) ?? 'unknown';
}

function ofNobodyKnows(error: unknown): 'unknown' {
  if (!(error instanceof RemediationError)) throw error;
  return 'unknown';
}
