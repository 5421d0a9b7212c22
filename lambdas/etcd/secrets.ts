import * as z from 'zod';
import { AWS_CLIENT, requireRefusal } from '../../client/aws.ts';
import type { ClusterAccess } from '../../core/cluster/cluster-role.ts';
import type { Cluster } from '../../core/cluster/clusters.ts';
import { PreconditionFailed } from '../../core/errors.ts';
import { REPEATED, repeatedKeys } from '../../core/text/json-file.ts';
import { explain } from '../../core/text/parse.ts';
import { sessionOf } from '../cluster-session.ts';
import type { ClientTls, Login } from './connection.ts';
import { pemCertificate, pemKey } from './pem.ts';

const filled = z.string().min(1, { error: 'is empty' });
export const loginSchema = z.object({
  username: filled.meta({ description: "The user. It needs etcd's role root." }),
  password: filled.meta({ description: 'Its password.' }),
});
export const tlsSchema = z
  .object({
    ca: pemCertificate.meta({
      description:
        "The certificates of the CAs that the members' server certificates are of, as the text of a PEM file.",
    }),
    cert: pemCertificate.optional().meta({
      description:
        'The client certificate, and those between it and the CA, if etcd asks for one (--client-cert-auth).',
    }),
    key: pemKey.optional().meta({ description: 'The private key of cert.' }),
  })
  .refine(({ cert, key }) => (cert === undefined) === (key === undefined), {
    error: 'have to be there both, or neither of them',
    path: ['cert and key'],
  });
const KNOWN_FIELDS = ['username', 'password', 'ca', 'cert', 'key'];

export interface ClusterSecrets {
  login?: Login | undefined;
  tls?: ClientTls | undefined;
}

/**
 * The secrets that a cluster's configuration names, from Secrets Manager, as the cluster's role: another cluster's are refused. They are read for
 * each invocation, so that a rotated password works at once, and are never logged: problems name fields, not values.
 * @param access what the function may assume the cluster's role for
 * @throws PreconditionFailed, AwsUnavailable, InvalidInput where there is no such cluster
 */
export async function readSecrets(
  { name: cluster, auth, tls }: Cluster,
  access: ClusterAccess = 'secrets',
): Promise<ClusterSecrets> {
  if (!auth && !tls) return {};
  // Loaded only where a cluster has secrets: the client costs a cold start about as much as all the rest.
  const { SecretsManagerClient, GetSecretValueCommand } = await import('@aws-sdk/client-secrets-manager');
  const credentials = await sessionOf(cluster, access);
  const client = new SecretsManagerClient({ ...AWS_CLIENT, ...(credentials && { credentials }) });
  const read = async <Schema extends z.ZodType>(
    secret: string,
    schema: Schema,
    fields: string,
  ): Promise<z.output<Schema>> => {
    let text: string | undefined;
    try {
      text = (await client.send(new GetSecretValueCommand({ SecretId: secret }))).SecretString;
    } catch (error) {
      const { name, message } = requireRefusal(error, `Secrets Manager, asked for "${secret}",`);
      throw new PreconditionFailed(
        `The secret "${secret}" cannot be read: ${name}: ${message}. Create it with ${fields}, or ` +
          'correct its name in clusters.json.',
      );
    }
    const value = parseJson(text ?? '');
    const [repeated] = value === undefined ? [] : repeatedKeys(text ?? '');
    const result = schema.safeParse(value, { error: explain });
    if (result.success && repeated === undefined) return result.data;
    const problems = result.success ? `"${repeated}" ${REPEATED}` : describeProblems(value, result.error);
    throw new PreconditionFailed(`The secret "${secret}" is malformed: ${problems}. It must be JSON with ${fields}.`);
  };
  const [login, clientTls] = await Promise.all([
    auth && read(auth.secret, loginSchema, '"username" and "password"'),
    tls &&
      read(tls.secret, tlsSchema, '"ca", and "cert" and "key" where etcd asks for a client certificate, as PEM texts'),
  ]);
  return { login, tls: clientTls };
}

/** By the names of fields alone. */
function describeProblems(value: unknown, { issues }: z.ZodError): string {
  if (value === undefined) return 'it is not JSON';
  const problems = issues.map(({ path, message }) => `${path.join('.') || 'it'} ${message}`);
  const strange = Object.keys(Object(value)).filter((field) => !KNOWN_FIELDS.includes(field));
  const isNamed = issues.some(({ path }) => path.length > 0) && strange.length > 0;
  return [...problems, ...(isNamed ? [`it has ${strange.join(', ')}`] : [])].join('; ');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
