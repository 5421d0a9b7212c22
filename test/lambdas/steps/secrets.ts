import { randomUUID } from 'node:crypto';
import { serveAwsEndpoint } from '../../../local/aws/endpoint.ts';
import type { Operation } from '../../../local/aws/iam.ts';
import { secretsManager } from '../../../local/aws/services.ts';

/**
 * Serves secrets to the steps that run in this process, as Secrets Manager would.
 * @param commands operations of SSM, served as well
 * @returns closes it, and leaves the environment as it was
 */
export async function serveSecrets(
  secrets: Readonly<Record<string, unknown>>,
  commands: Record<string, Operation> = {},
): Promise<() => Promise<void>> {
  const accessKeyId = `TEST${randomUUID()}`;
  const endpoint = await serveAwsEndpoint({ ...secretsManager(secrets), ...commands }, accessKeyId);
  const environment: Record<string, string> = {
    AWS_REGION: 'local',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: randomUUID(),
    AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoint.url,
    AWS_ENDPOINT_URL_SSM: endpoint.url,
  };
  const before = Object.keys(environment).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, environment);
  return async () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    await endpoint.close();
  };
}
