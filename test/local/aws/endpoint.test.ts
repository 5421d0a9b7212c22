import { DescribeSecretCommand, GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetParameterCommand, GetParametersCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AwsEndpoint, serveAwsEndpoint } from '../../../local/aws/endpoint.ts';
import { secretsManager, systemsManager } from '../../../local/aws/services.ts';

const KEY = 'LOCALKEY';
const ROOT_SECRET = { username: 'root', password: 'hunter2' };
const PARAMETER = '/etcd-remediation/clusters/orders';

let endpoint: AwsEndpoint;

beforeAll(async () => {
  const operations = {
    ...secretsManager({ 'etcd/root': ROOT_SECRET }),
    ...systemsManager({ [PARAMETER]: '{"a":"ü"}' }),
  };
  endpoint = await serveAwsEndpoint(operations, KEY);
});
afterAll(() => endpoint.close());

/** As in a Lambda function: the SDK as it is, with an endpoint and credentials. */
function clients(accessKeyId = KEY) {
  const options = {
    endpoint: endpoint.url,
    region: 'local',
    credentials: { accessKeyId, secretAccessKey: 'any' },
    maxAttempts: 1,
  };
  return { ssm: new SSMClient(options), secrets: new SecretsManagerClient(options) };
}

describe('the endpoint for the AWS SDK', () => {
  it('gives a parameter', async () => {
    const { Parameter } = await clients().ssm.send(new GetParameterCommand({ Name: PARAMETER }));
    expect(Parameter).toEqual({ Name: PARAMETER, Type: 'String', Value: '{"a":"ü"}', Version: 1 });
  });

  it('gives a secret as the JSON that Secrets Manager holds', async () => {
    const answer = await clients().secrets.send(new GetSecretValueCommand({ SecretId: 'etcd/root' }));
    expect(JSON.parse(answer.SecretString ?? '')).toEqual(ROOT_SECRET);
    expect(answer.Name).toBe('etcd/root');
  });

  it.each(['/etcd-remediation/clusters/other', 'constructor', ''])('has no parameter "%s"', async (Name) => {
    await expect(clients().ssm.send(new GetParameterCommand({ Name }))).rejects.toMatchObject({
      name: 'ParameterNotFound',
      $metadata: { httpStatusCode: 400 },
    });
  });

  it.each(['etcd/other', 'toString'])('has no secret "%s"', async (SecretId) => {
    await expect(clients().secrets.send(new GetSecretValueCommand({ SecretId }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: expect.not.stringContaining('hunter2'),
    });
  });

  it('refuses an operation that it does not serve', async () => {
    const { ssm, secrets } = clients();
    await expect(ssm.send(new GetParametersCommand({ Names: [PARAMETER] }))).rejects.toMatchObject({
      name: 'UnknownOperationException',
      message: 'This endpoint does not serve AmazonSSM.GetParameters.',
    });
    await expect(secrets.send(new DescribeSecretCommand({ SecretId: 'etcd/root' }))).rejects.toMatchObject({
      name: 'UnknownOperationException',
    });
  });

  it('refuses a field that it does not know, for it would answer something else', async () => {
    const { ssm, secrets } = clients();
    await expect(ssm.send(new GetParameterCommand({ Name: PARAMETER, WithDecryption: true }))).rejects.toMatchObject({
      name: 'ValidationException',
      message: 'This endpoint does not know WithDecryption.',
    });
    const earlier = new GetSecretValueCommand({ SecretId: 'etcd/root', VersionStage: 'AWSPREVIOUS' });
    await expect(secrets.send(earlier)).rejects.toMatchObject({
      name: 'ValidationException',
      message: 'This endpoint does not know VersionStage.',
    });
  });

  it('refuses a name that is not there or not a text', async () => {
    const { ssm } = clients();
    for (const Name of [undefined, 7] as unknown as string[]) {
      await expect(ssm.send(new GetParameterCommand({ Name }))).rejects.toMatchObject({
        name: 'ValidationException',
        message: 'Name must be a string.',
      });
    }
  });

  it.each(['LOCALKEY2', 'LOCALKE', 'AKIAEXAMPLE'])(
    "refuses a caller without this run's access key: %s",
    async (key) => {
      const { ssm, secrets } = clients(key);
      const refusal = { name: 'UnrecognizedClientException', message: expect.not.stringContaining('hunter2') };
      await expect(ssm.send(new GetParameterCommand({ Name: PARAMETER }))).rejects.toMatchObject(refusal);
      await expect(secrets.send(new GetSecretValueCommand({ SecretId: 'etcd/root' }))).rejects.toMatchObject(refusal);
    },
  );

  it('refuses a caller without a signature', async () => {
    const response = await fetch(endpoint.url, {
      method: 'POST',
      headers: { 'X-Amz-Target': 'secretsmanager.GetSecretValue' },
      body: '{"SecretId":"etcd/root"}',
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ __type: 'UnrecognizedClientException' });
  });

  it('answers a request that is not JSON with a failure of its own', async () => {
    const response = await fetch(endpoint.url, {
      method: 'POST',
      headers: { 'X-Amz-Target': 'AmazonSSM.GetParameter', Authorization: `AWS4-HMAC-SHA256 Credential=${KEY}/x` },
      body: 'Name=x',
    });
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ __type: 'InternalFailure' });
  });

  it('listens on loopback only', () => {
    expect(new URL(endpoint.url).hostname).toBe('127.0.0.1');
  });

  it('is gone once it is closed, connections that are kept alive too', async () => {
    const closing = await serveAwsEndpoint({}, KEY);
    expect((await fetch(closing.url)).status).toBe(400);
    await closing.close();
    await expect(fetch(closing.url)).rejects.toThrow('fetch failed');
  });
});
