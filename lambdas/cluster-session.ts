import { AWS_CLIENT, requireRefusal } from '../client/aws.ts';
import { type ClusterAccess, clusterRoleArn } from '../core/cluster/cluster-role.ts';
import { PreconditionFailed } from '../core/errors.ts';

export interface SessionCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
  expiration: Date;
}

/** The longest that a function may have: its own credentials are those of a role as well. https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining */
const SESSION_SECONDS = 3_600;
/** A step of the longest kind begins with a session that outlasts it: Lambda gives it fifteen minutes. */
const LEFT_AT_LEAST_MS = 16 * 60_000;

/** By cluster and access, for as long as this process is warm. */
const sessions = new Map<string, Promise<SessionCredentials>>();

/**
 * The credentials of a cluster's role: a session for this one cluster, which may do what its name says. It is kept for later invocations.
 * @returns undefined where no roles are configured: then a request runs as the process itself, or is refused. A deployed function always has
 *   them, and may itself reach nothing of a cluster
 * @param anew a session that has its whole hour before it
 * @throws InvalidInput where the registry has no such cluster; PreconditionFailed where its role cannot be assumed; AwsUnavailable
 */
export async function sessionOf(
  cluster: string,
  access: ClusterAccess,
  { anew = false } = {},
): Promise<SessionCredentials | undefined> {
  const roles = process.env.CLUSTER_ROLES;
  if (!roles) return undefined;
  const key = `${access} ${cluster}`;
  const kept = sessions.get(key);
  if (kept && !anew && (await kept).expiration.getTime() - Date.now() > LEFT_AT_LEAST_MS) return kept;
  const session = assumeRole(roles, cluster, access);
  sessions.set(key, session);
  // The next one asks again.
  session.catch(() => sessions.delete(key));
  return session;
}

async function assumeRole(roles: string, cluster: string, access: ClusterAccess): Promise<SessionCredentials> {
  // Both clients cost a cold start, and are loaded only where a session is asked for.
  const { requireRegistered } = await import('./registry.ts');
  // Only what is registered has a role; the name becomes a part of an ARN.
  await requireRegistered(cluster);
  const RoleArn = clusterRoleArn(roles, cluster);
  const { STSClient, AssumeRoleCommand } = await import('@aws-sdk/client-sts');
  const client = new STSClient(AWS_CLIENT);
  try {
    const { Credentials } = await client.send(
      new AssumeRoleCommand({ RoleArn, RoleSessionName: access, DurationSeconds: SESSION_SECONDS }),
    );
    const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '', Expiration = new Date(0) } = Credentials ?? {};
    return {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
      expiration: Expiration,
    };
  } catch (error) {
    const { name: kind, message } = requireRefusal(error, `STS, asked for the role of the cluster ${cluster},`);
    throw new PreconditionFailed(
      `The role ${RoleArn} cannot be assumed (${kind}: ${message}). Nothing of the cluster ${cluster} can be reached without it. Deploy the stack ` +
        'of the cluster again.',
    );
  } finally {
    client.destroy();
  }
}
