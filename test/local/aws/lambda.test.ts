import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ExecutionError } from '../../../local/asl/errors.ts';
import type { AwsEndpoint } from '../../../local/aws/endpoint.ts';
import { serveLambda } from '../../../local/aws/lambda.ts';

const KEY = 'LOCALKEY';
const ECHO = 'arn:aws:lambda:local:000000000000:function:Echo';
const THROWN = { errorType: 'EtcdUnavailable', errorMessage: 'etcd does not answer.', trace: ['at x'] };

let endpoint: AwsEndpoint;
let client: LambdaClient;
const invoked: unknown[] = [];

/** As the embedded platform's functions end: with a result, with what they have thrown, or with a defect. */
async function invoke(arn: string, event: unknown): Promise<unknown> {
  if (arn !== ECHO) throw new ExecutionError('Lambda.ResourceNotFoundException', `Function not found: ${arn}`);
  invoked.push(event);
  switch (Object(event).do) {
    case 'throw':
      throw new ExecutionError(THROWN.errorType, JSON.stringify(THROWN));
    case 'break':
      throw new TypeError('the platform broke');
    case 'nothing':
      return undefined;
    default:
      return { echo: event };
  }
}

beforeAll(async () => {
  endpoint = await serveLambda(invoke, KEY);
  client = clientWith(KEY);
});
afterAll(async () => {
  client.destroy();
  await endpoint.close();
});

function clientWith(accessKeyId: string): LambdaClient {
  const credentials = { accessKeyId, secretAccessKey: 'any' };
  return new LambdaClient({ endpoint: endpoint.url, region: 'local', credentials, maxAttempts: 1 });
}

async function call(event?: unknown, more: object = {}) {
  const Payload = event === undefined ? undefined : Buffer.from(JSON.stringify(event));
  const answer = await client.send(new InvokeCommand({ FunctionName: ECHO, ...(Payload && { Payload }), ...more }));
  return { ...answer, payload: JSON.parse(Buffer.from(answer.Payload ?? []).toString()) };
}

describe('an invocation', () => {
  it('is answered with what the function returns', async () => {
    const answer = await call({ text: 'ü'.repeat(10_000) });
    expect(answer).toMatchObject({ StatusCode: 200, payload: { echo: { text: 'ü'.repeat(10_000) } } });
    expect(answer.FunctionError).toBeUndefined();
  });

  it('without a payload is an empty event', async () => {
    expect((await call()).payload).toEqual({ echo: {} });
  });

  it('of a function that returns nothing is answered with null', async () => {
    expect((await call({ do: 'nothing' })).payload).toBeNull();
  });

  it('of a function that throws is answered with what it has thrown', async () => {
    expect(await call({ do: 'throw' })).toMatchObject({ StatusCode: 200, FunctionError: 'Unhandled', payload: THROWN });
  });

  it('that the platform breaks at is a failure of the service, and the endpoint goes on', async () => {
    await expect(call({ do: 'break' })).rejects.toMatchObject({
      name: 'ServiceException',
      $metadata: { httpStatusCode: 500 },
    });
    expect((await call({ a: 1 })).payload).toEqual({ echo: { a: 1 } });
  });

  it.each([`${ECHO}2`, 'Echo'])('of a function that is not there is refused: %s', async (FunctionName) => {
    await expect(call({}, { FunctionName })).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: `Function not found: ${FunctionName}`,
      $metadata: { httpStatusCode: 404 },
    });
  });

  it.each([
    ['that nobody would wait for', { InvocationType: 'Event' }],
    ['that is no invocation', { InvocationType: 'DryRun' }],
    ['of a version', { Qualifier: '7' }],
  ])('%s is refused, for this endpoint would answer another one', async (_, more) => {
    const before = invoked.length;
    await expect(call({}, more)).rejects.toMatchObject({ name: 'InvalidParameterValueException' });
    expect(invoked).toHaveLength(before);
  });
});

describe('the endpoint', () => {
  it.each(['LOCALKEY2', 'LOCALKE'])("refuses a caller without this run's access key: %s", async (key) => {
    const before = invoked.length;
    const stranger = clientWith(key);
    await expect(stranger.send(new InvokeCommand({ FunctionName: ECHO }))).rejects.toMatchObject({
      name: 'UnrecognizedClientException',
      $metadata: { httpStatusCode: 403 },
    });
    stranger.destroy();
    expect(invoked).toHaveLength(before);
  });

  it.each([
    ['without a signature', '/2015-03-31/functions/Echo/invocations', {}, 403],
    ['for anything else', '/2015-03-31/functions', { Authorization: `AWS4-HMAC-SHA256 Credential=${KEY}/x` }, 400],
  ])('refuses a request %s', async (_, path, headers, status) => {
    const response = await fetch(`${endpoint.url}${path}`, { method: 'POST', headers, body: '{}' });
    expect(response.status).toBe(status);
  });

  it('refuses a payload that is no JSON', async () => {
    const send = new InvokeCommand({ FunctionName: ECHO, Payload: Buffer.from('{') });
    await expect(client.send(send)).rejects.toMatchObject({ name: 'InvalidRequestContentException' });
  });

  it('listens on loopback only, and is gone once it is closed', async () => {
    expect(new URL(endpoint.url).hostname).toBe('127.0.0.1');
    const closing = await serveLambda(invoke, KEY);
    await closing.close();
    await expect(fetch(closing.url)).rejects.toThrow('fetch failed');
  });
});
