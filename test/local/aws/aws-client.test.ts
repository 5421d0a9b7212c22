import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSecureContext } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AWS_CLIENT, requireRefusal } from '../../../client/aws.ts';
import { AwsUnavailable } from '../../../core/errors.ts';
import { readSecrets } from '../../../lambdas/etcd/secrets.ts';
import { handler as loadCluster } from '../../../lambdas/steps/load-cluster.ts';
import { issueCertificates } from '../../../local/etcd/certificates.ts';

const CLUSTER = {
  name: 'orders',
  members: [{ name: 'node1', clientUrl: 'https://10.0.1.11:2379', peerUrl: 'https://10.0.1.11:2380' }],
  quotaBackendBytes: 2_147_483_648,
};
const WHAT_TO_LOOK_AT = /NAT gateway, or VPC endpoints/;

const servers: Server[] = [];

beforeEach(() => {
  vi.stubEnv('AWS_REGION', 'local');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'LOCALKEY');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'any');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** Serves both AWS APIs on loopback, in this way. */
async function serve(answer: RequestListener): Promise<void> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  useEndpoint(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

function useEndpoint(url: string): void {
  vi.stubEnv('AWS_ENDPOINT_URL_SSM', url);
  vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', url);
}

/** An answer of AWS's JSON protocol; `requests` counts how often it was given. */
function answering(status: number, body: object) {
  const counted = { requests: 0 };
  const answer: RequestListener = (request, response) => {
    counted.requests++;
    request.resume();
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
  };
  return { counted, answer };
}

function thrownBy(error: unknown): unknown {
  try {
    return requireRefusal(error, 'SSM, asked for the parameter /x,');
  } catch (thrown) {
    return thrown;
  }
}

function awsError(name: string, more: object): Error {
  return Object.assign(new Error('said AWS'), { name, ...more });
}

const status = (httpStatusCode: number) => ({ $metadata: { httpStatusCode } });

describe('an error of the AWS SDK', () => {
  it.each([
    ['ParameterNotFound', { $fault: 'client', ...status(400) }],
    ['AccessDeniedException', { $fault: 'client', ...status(400) }],
    ['ResourceNotFoundException', { $fault: 'client', ...status(404), $retryable: {} }],
    ['DecryptionFailure', { $fault: 'client', ...status(400), $retryable: { throttling: false } }],
  ])('is final where AWS refused the request: %s', (name, more) => {
    const error = awsError(name, more);
    expect(thrownBy(error)).toBe(error);
  });

  it.each([
    ['InternalServerError', { $fault: 'server', ...status(500) }],
    ['InternalServiceError', { $fault: 'server', ...status(503) }],
    ['ThrottlingException', { $fault: 'client', ...status(400) }],
    ['Throttling', { $fault: 'client', ...status(400) }],
    ['ThrottledException', { $fault: 'client', ...status(400) }],
    ['TooManyRequestsException', { $fault: 'client', ...status(400) }],
    ['LimitExceededException', { $fault: 'client', ...status(429) }],
    ['ProvisionedThroughputExceeded', { $fault: 'client', ...status(400), $retryable: { throttling: true } }],
    ['TimeoutError', {}],
    ['TimeoutError', { $metadata: { attempts: 3 } }],
    ['Error', { code: 'ECONNREFUSED', $metadata: { attempts: 3 } }],
    ['Error', { code: 'ENOTFOUND' }],
    ['CredentialsProviderError', { tryNextLink: false }],
    // The SDK's word for an answer that it could not read: the client is at fault and no status is known.
    ['SyntaxError', { $fault: 'client', $metadata: {} }],
    ['Unheard', status(400)],
  ])('is transient in every other case: %s %j', (name, more) => {
    const thrown = thrownBy(awsError(name, more));
    expect(thrown).toBeInstanceOf(AwsUnavailable);
    expect(thrown).toMatchObject({ name: 'AwsUnavailable', message: expect.stringMatching(WHAT_TO_LOOK_AT) });
    expect(String(thrown)).toContain(`SSM, asked for the parameter /x, was not answered: ${name}: said AWS. `);
  });
});

describe('load-cluster, asking a real server for the parameter,', () => {
  const load = () => loadCluster({ incident: 'space-exceeded', execution: 'run-1', input: { cluster: 'orders' } });

  it('loads what it answers', async () => {
    const { answer, counted } = answering(200, { Parameter: { Value: JSON.stringify(CLUSTER) } });
    await serve(answer);
    expect(await load()).toMatchObject({ cluster: CLUSTER, dryRun: false });
    expect(counted.requests).toBe(1);
  });

  it('says that there is no such cluster where there is no such parameter, and does not ask twice', async () => {
    const { answer, counted } = answering(400, { __type: 'ParameterNotFound', message: 'not there' });
    await serve(answer);
    await expect(load()).rejects.toMatchObject({
      name: 'InvalidInput',
      message: expect.stringMatching(
        /^No cluster "orders" is deployed \(SSM parameter \/etcd-remediation\/clusters\/orders: ParameterNotFound: /,
      ),
    });
    expect(counted.requests).toBe(1);
  });

  it.each([
    ['fails', 500, 'InternalServerError'],
    ['is not there for now', 503, 'ServiceUnavailable'],
    ['throttles', 400, 'ThrottlingException'],
    ['is asked too often', 429, 'LimitExceededException'],
  ])('may be run again when it %s', async (_, httpStatus, type) => {
    const { answer, counted } = answering(httpStatus, { __type: type, message: 'not now' });
    await serve(answer);
    await expect(load()).rejects.toMatchObject({
      name: 'AwsUnavailable',
      message: expect.stringMatching(WHAT_TO_LOOK_AT),
    });
    expect(counted.requests).toBe(AWS_CLIENT.maxAttempts);
  });

  it('may be run again when nothing listens', async () => {
    // Nothing listens at port 1.
    useEndpoint('http://127.0.0.1:1');
    await expect(load()).rejects.toMatchObject({
      name: 'AwsUnavailable',
      message: expect.stringMatching(/ECONNREFUSED.*NAT gateway, or VPC endpoints/),
    });
  });

  it('gives a server up that accepts and never answers, long before Lambda would end the function', async () => {
    let requests = 0;
    await serve(() => {
      requests++;
    });
    const since = performance.now();
    await expect(load()).rejects.toMatchObject({
      name: 'AwsUnavailable',
      message: expect.stringMatching(/TimeoutError.*NAT gateway, or VPC endpoints/),
    });
    const { maxAttempts, requestHandler } = AWS_CLIENT;
    expect(requests).toBe(maxAttempts);
    expect(performance.now() - since).toBeGreaterThanOrEqual(maxAttempts * requestHandler.requestTimeout - 500);
  });
});

describe('the secrets of a cluster', () => {
  const withTls = { ...CLUSTER, tls: { secret: 'etcd/tls' } };

  /** Secrets Manager holds one secret, whose text this is. */
  function holding(secret: unknown): Promise<void> {
    return serve(answering(200, { Name: 'etcd/tls', SecretString: JSON.stringify(secret) }).answer);
  }

  it('are a CA alone, or a CA with a certificate and its key', async () => {
    const { ca, client } = await issueCertificates();
    for (const tls of [{ ca }, { ca, cert: client.cert, key: client.key }]) {
      await holding(tls);
      expect(await readSecrets(withTls)).toEqual({ login: undefined, tls });
    }
  });

  const around: [string, (pem: string) => string][] = [
    ['what openssl prints', (pem) => `Certificate:\n    Subject: CN = root\n${pem}`],
    ['the attributes of a bag', (pem) => `Bag Attributes\n    localKeyID: 01\nKey Attributes: <No Attributes>\n${pem}`],
    ['text after it', (pem) => `${pem}\n# rotated in March\n`],
    ['lines that end as on Windows', (pem) => pem.replaceAll('\n', '\r\n')],
    ['blank lines', (pem) => `\n\n${pem}\n\n`],
    ['a byte order mark', (pem) => `\ufeff${pem}`],
    [
      'a block of another kind',
      (pem) => `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${pem}`,
    ],
  ];
  it.each(around)('may have around a block: %s', async (_, wrapped) => {
    const { ca, client } = await issueCertificates();
    const tls = { ca: wrapped(ca), cert: wrapped(client.cert), key: wrapped(client.key) };
    await holding(tls);
    expect(await readSecrets(withTls)).toEqual({ login: undefined, tls });
    expect(() => createSecureContext(tls)).not.toThrow();
  });

  /** Two CAs, of which TLS has to know the second as well. */
  async function holdingTwo(join: (first: string, second: string) => string) {
    const [other, own] = await Promise.all([issueCertificates(), issueCertificates()]);
    const first = other.ca.trimEnd();
    await holding({ ca: join(first, own.ca) });
    return `${first}\n${own.ca}`;
  }

  it.each([
    ['without a line end', ''],
    ['with blanks', ' \t'],
  ])('may be CAs that are glued together %s: each gets its own lines', async (_, glue) => {
    const ca = await holdingTwo((first, second) => `${first}${glue}${second}`);
    expect(await readSecrets(withTls)).toEqual({ login: undefined, tls: { ca } });
  });

  it.each<[string, (first: string, second: string) => string]>([
    ['is set in', (first, second) => `${first}\n${second.replaceAll(/^/gm, '  ')}`],
    ['stands behind other text', (first, second) => `${first}\nroot: ${second}`],
    ['has no end', (first, second) => `${second}${first.replace(/-----END.*/, '')}`],
    ['is the first, and has no end', (first, second) => `${first.replace(/-----END.*/, '')}\n${second}`],
  ])('are malformed with a second CA that TLS would pass over, because it %s', async (_, join) => {
    await holdingTwo(join);
    await expect(readSecrets(withTls)).rejects.toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringContaining('is malformed: ca has a block that TLS would pass over, for it does not stand'),
    });
  });

  const broken: [string, (pem: string) => string][] = [
    ['that is empty', () => ''],
    ['on one line', (pem) => pem.replaceAll('\n', '')],
    ['with the line ends of a JSON text', (pem) => pem.replaceAll('\n', '\\n')],
    ['that is set in', (pem) => pem.replaceAll(/^/gm, '  ')],
    ['without its end', (pem) => pem.replace(/-----END.*/, '')],
    ['of another kind', (pem) => pem.replaceAll(/(BEGIN|END) [A-Z ]+/g, '$1 PUBLIC KEY')],
  ];
  it.each(broken)('are malformed with a block %s, and the fields are named', async (_, spoilt) => {
    const { ca, client } = await issueCertificates();
    await holding({ ca: spoilt(ca), cert: spoilt(client.cert), key: spoilt(client.key) });
    await expect(readSecrets(withTls)).rejects.toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringMatching(
        /^The secret "etcd\/tls" is malformed: ca has no PEM text .*; cert has no PEM text .*; key has no PEM text .* It must be JSON with "ca"/,
      ),
    });
  });

  it.each(['cert', 'key'] as const)('are malformed with no more than one of certificate and key: %s', async (half) => {
    const { ca, client } = await issueCertificates();
    await holding({ ca, [half]: client[half] });
    const error = await readSecrets(withTls).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringMatching(
        /^The secret "etcd\/tls" is malformed: cert and key have to be there both, or neither of them\. It must be JSON with "ca"/,
      ),
    });
    expect(String(error)).not.toContain('-----BEGIN');
  });

  it.each([
    ['by other names', { user: 'root', pass: 'x' }, 'username is missing; password is missing; it has user, pass'],
    ['empty', { username: 'root', password: '' }, 'password is empty'],
    ['a number', { username: 'root', password: 4711 }, 'password must be text, and is a number'],
    ['in a text', '{"username":"root","password":"x"}', 'it must be an object, and is text'],
  ])('say what is wrong with a login whose fields are %s, and repeat no value', async (_, login, problems) => {
    await holding(login);
    const withAuth = { ...CLUSTER, auth: { secret: 'etcd/root' } };
    await expect(readSecrets(withAuth)).rejects.toMatchObject({
      name: 'PreconditionFailed',
      message: `The secret "etcd/root" is malformed: ${problems}. It must be JSON with "username" and "password".`,
    });
  });

  it('of which a field is there twice are malformed: only one would count', async () => {
    const SecretString = '{"username":"root","password":"one","password":"two"}';
    await serve(answering(200, { Name: 'etcd/root', SecretString }).answer);
    await expect(readSecrets({ ...CLUSTER, auth: { secret: 'etcd/root' } })).rejects.toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringMatching(/^The secret "etcd\/root" is malformed: "password" is there more than once/),
    });
  });

  it('that are no JSON say so', async () => {
    await serve(answering(200, { Name: 'etcd/tls', SecretString: '-----BEGIN' }).answer);
    await expect(readSecrets(withTls)).rejects.toMatchObject({
      message: expect.stringMatching(
        /^The secret "etcd\/tls" is malformed: it is not JSON\. It must be JSON with "ca"/,
      ),
    });
  });

  it('that are not there have to be created', async () => {
    await serve(answering(400, { __type: 'ResourceNotFoundException', message: 'not there' }).answer);
    await expect(readSecrets(withTls)).rejects.toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringMatching(/^The secret "etcd\/tls" cannot be read: ResourceNotFoundException: .*Create it/),
    });
  });

  it('may be asked for again when Secrets Manager fails', async () => {
    await serve(answering(500, { __type: 'InternalServiceError', message: 'not now' }).answer);
    await expect(readSecrets(withTls)).rejects.toMatchObject({
      name: 'AwsUnavailable',
      message: expect.stringMatching(/^Secrets Manager, asked for "etcd\/tls", was not answered: .*NAT gateway/),
    });
  });
});
