import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

/** What only AWS makes of it: it does not answer, or refuses the function itself. What the platform can show is shown with it, in test/api. */

const ACCOUNT = '123456789012';
const ARN = `arn:aws:states:eu-central-1:${ACCOUNT}:execution:etcd-remediation:INC-1`;
const ME = `arn:aws:sts::${ACCOUNT}:assumed-role/tooling/session`;

let server: Server;
let requests: { target: string; body: Record<string, unknown> }[];
/** By the operation's name: a status and what AWS answers with. */
let answers: Record<string, [number, object]>;
let handler: (event: APIGatewayProxyEvent) => Promise<APIGatewayProxyResult>;

beforeEach(async () => {
  requests = [];
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const target = String(request.headers['x-amz-target']).split('.').at(-1) ?? '';
    requests.push({ target, body: JSON.parse(Buffer.concat(chunks).toString()) });
    const [status, body] = answers[target] ?? [500, { __type: 'InternalFailure' }];
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const environment = {
    AWS_REGION: 'local',
    AWS_ACCESS_KEY_ID: 'LOCALKEY',
    AWS_SECRET_ACCESS_KEY: 'any',
    AWS_ENDPOINT_URL: url,
    STATE_MACHINE_ARN: ARN.replace(':execution:', ':stateMachine:').replace(':INC-1', ''),
    TABLE_NAME: 'table',
    DIAGNOSE_FUNCTION: 'diagnose',
    BACKUPS_FUNCTION: 'backups',
    REPORTS: 's3://reports/remediations/',
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  vi.resetModules();
  handler = (await import('../../../lambdas/api/handler.ts')).handler;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** How API Gateway hands a path on. */
function at(path: string): object {
  return { resource: '/{proxy+}', path, pathParameters: { proxy: path.slice(1) } };
}

function eventOf(more: object): APIGatewayProxyEvent {
  return {
    ...at('/remediations/INC-1'),
    httpMethod: 'GET',
    headers: {},
    queryStringParameters: null,
    body: null,
    requestContext: { requestId: 'r-1', path: '/v1/remediations/INC-1', identity: { userArn: ME } },
    ...more,
  } as unknown as APIGatewayProxyEvent;
}

const WHY = { reason: 'a test' };

async function remediations() {
  const { Remediations } = await import('../../../client/remediations.ts');
  return new Remediations({
    stateMachineArn: ARN.replace(':execution:', ':stateMachine:').replace(':INC-1', ''),
    tableName: 'table',
    diagnoseFunction: 'diagnose',
    backupsFunction: 'backups',
    reports: 's3://reports/remediations/',
  });
}

const RUNNING = { status: 'RUNNING', startDate: 1, executionArn: ARN, input: '{"cluster":"orders"}' };

describe('the handler', () => {
  it.each([
    ['is throttled', 400, { __type: 'ThrottlingException', message: `rate of ${ACCOUNT}` }],
    ['fails', 500, { __type: 'InternalFailure', message: `at ${ACCOUNT}` }],
  ])('asks to try again where AWS %s, and repeats nothing of it', async (_, status, body) => {
    const log = vi.spyOn(console, 'error').mockReturnValue();
    answers = { DescribeExecution: [status, body] };
    const result = await handler(eventOf({}));
    expect(result.statusCode).toBe(503);
    expect(result.body).not.toContain(ACCOUNT);
    expect(JSON.parse(result.body)).toMatchObject({
      type: 'urn:etcd-remediation:problem:unavailable',
      requestId: 'r-1',
    });
    expect(log).toHaveBeenCalledExactlyOnceWith('r-1', expect.objectContaining({ name: 'AwsUnavailable' }));
  });

  it('tells nothing of what is wrong with itself but where to look, and logs it', async () => {
    const log = vi.spyOn(console, 'error').mockReturnValue();
    const message = `User: arn:aws:sts::${ACCOUNT}:assumed-role/x is not authorized`;
    answers = { DescribeExecution: [400, { __type: 'AccessDeniedException', message }] };
    const result = await handler(eventOf({}));
    expect(result).toMatchObject({ statusCode: 500, headers: { 'Content-Type': 'application/problem+json' } });
    expect(result.body).not.toMatch(/arn:|AccessDenied|at .*\.ts/);
    expect(log).toHaveBeenCalledExactlyOnceWith('r-1', expect.objectContaining({ message }));
  });

  it('records who IAM says it is, whatever the request says', async () => {
    answers = { DescribeExecution: [200, RUNNING], StopExecution: [200, { stopDate: 1 }] };
    const result = await handler(
      eventOf({
        httpMethod: 'DELETE',
        headers: { 'x-amzn-user': 'root', by: 'root' },
        queryStringParameters: { by: 'root', reason: 'a drill' },
      }),
    );
    expect(result.statusCode).toBe(202);
    expect(requests.at(-1)).toEqual({
      target: 'StopExecution',
      body: { executionArn: ARN, error: 'Stopped', cause: `Stopped by ${ME}: a drill` },
    });
  });

  it('refuses where nobody has asked IAM', async () => {
    vi.spyOn(console, 'error').mockReturnValue();
    answers = { DescribeExecution: [200, RUNNING] };
    const requestContext = { requestId: 'r-1', path: '/x', identity: { userArn: null } };
    const result = await handler(eventOf({ httpMethod: 'DELETE', queryStringParameters: WHY, requestContext }));
    expect(result.statusCode).toBe(500);
    expect(requests.map(({ target }) => target)).not.toContain('StopExecution');
  });

  it.each(['/openapi.json', '/clusters', '/remediations/INC-1'])(
    'answers nothing at %s where nobody has asked IAM, and asks AWS for nothing',
    async (path) => {
      const log = vi.spyOn(console, 'error').mockReturnValue();
      const requestContext = { requestId: 'r-1', path, identity: { userArn: null } };
      const { statusCode } = await handler(eventOf({ ...at(path), requestContext }));
      expect(statusCode).toBe(500);
      expect(requests).toEqual([]);
      expect(log).toHaveBeenCalledOnce();
    },
  );

  it.each([
    ['in one parameter', at('/remediations/INC-1')],
    ['encoded in it', at('/remediations/INC%2D1')],
    ['by a resource of its own', { resource: '/remediations/{id}', pathParameters: { id: 'INC-1' } }],
  ])('finds what is asked for where API Gateway hands the path on %s', async (_, place) => {
    answers = { DescribeExecution: [200, RUNNING], StopExecution: [200, { stopDate: 1 }] };
    const { statusCode, body } = await handler(eventOf({ ...place, httpMethod: 'DELETE', queryStringParameters: WHY }));
    expect(statusCode).toBe(202);
    expect(JSON.parse(body)).toMatchObject({ id: 'INC-1', executionArn: ARN });
  });

  it.each([
    ['/v1/remediations/INC-1', '/v1/remediations/INC-1'],
    ['/base/remediations/INC-1', '/base/remediations/INC-1'],
    ['/remediations/INC-1', '/remediations/INC-1'],
  ])('asked at %s, links to %s', async (path, self) => {
    answers = { DescribeExecution: [200, RUNNING], StopExecution: [200, { stopDate: 1 }] };
    const requestContext = { requestId: 'r-1', path, identity: { userArn: ME } };
    const { body } = await handler(eventOf({ httpMethod: 'DELETE', queryStringParameters: WHY, requestContext }));
    expect(JSON.parse(body).links).toEqual({ self, approval: `${self}/approval` });
  });

  it('finds the key whichever way its header is written', async () => {
    const cluster = { name: 'orders', members: [MEMBER], quotaBackendBytes: 1 };
    answers = {
      GetParameter: [200, { Parameter: { Value: JSON.stringify(cluster) } }],
      DescribeExecution: [200, { ...RUNNING, input: '{"cluster":"orders","requestedBy":"before"}' }],
    };
    const start = {
      ...at('/clusters/orders/remediations'),
      httpMethod: 'POST',
      body: '{}',
    };
    for (const name of ['Idempotency-Key', 'idempotency-key', 'IDEMPOTENCY-KEY']) {
      const { body } = await handler(eventOf({ ...start, headers: { [name]: 'INC-1' } }));
      expect(JSON.parse(body)).toMatchObject({ id: 'INC-1', executionArn: ARN });
    }
    expect(requests.map(({ target }) => target)).not.toContain('StartExecution');
  });

  it.each(['TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken'])(
    'tells that a question was answered, or has expired, where its token is gone: %s',
    async (__type) => {
      const lock = { id: { S: 'lock' }, remediation: { S: 'INC-1' } };
      const approval = { M: { id: { S: '1' }, token: { S: 'the token' } } };
      // Whoever has answered first has ended the wait, and the question is taken back.
      const items = [{ ...lock, approval }, lock];
      answers = {
        DescribeExecution: [200, RUNNING],
        get GetItem(): [number, object] {
          return [200, { Item: items.length > 1 ? items.shift() : items[0] }];
        },
        SendTaskSuccess: [400, { __type, message: 'the token is gone' }],
      };
      const answer = { approval: '1', decision: 'approve', reason: 'a test' };
      const result = await handler(
        eventOf({
          ...at('/remediations/INC-1/approval'),
          httpMethod: 'POST',
          body: JSON.stringify(answer),
        }),
      );
      expect(result.statusCode).toBe(409);
      expect(JSON.parse(result.body).type).toBe('urn:etcd-remediation:problem:already-answered');
      expect(result.body).not.toContain('token');
      const sent = requests.filter(({ body }) => Object(body).taskToken !== undefined);
      expect(sent.map(({ body }) => body)).toEqual([
        { taskToken: 'the token', output: JSON.stringify({ decision: 'approve', by: ME, reason: 'a test' }) },
      ]);
    },
  );

  it('gives an answer to the same question where it was asked again with another token', async () => {
    const asking = (token: string) => ({
      id: { S: 'lock' },
      remediation: { S: 'INC-1' },
      approval: { M: { id: { S: '1' }, token: { S: token } } },
    });
    const items = [asking('the old one'), asking('the new one')];
    const taken: [number, object][] = [
      [400, { __type: 'TaskTimedOut', message: 'gone' }],
      [200, {}],
    ];
    answers = {
      DescribeExecution: [200, RUNNING],
      get GetItem(): [number, object] {
        return [200, { Item: items.shift() }];
      },
      get SendTaskSuccess() {
        return taken.shift();
      },
    } as typeof answers;
    const body = JSON.stringify({ approval: '1', decision: 'reject', reason: 'a test' });
    const result = await handler(eventOf({ ...at('/remediations/INC-1/approval'), httpMethod: 'POST', body }));
    expect(result.statusCode).toBe(202);
    expect(requests.at(-1)?.body).toMatchObject({ taskToken: 'the new one' });
  });

  it.each([
    ['takes no answer at the moment, where it is still open', '2099-01-01T00:00:00.000Z', 'busy'],
    ['is not asked any more, where its time is over', '2000-01-01T00:00:00.000Z', 'already-answered'],
  ])('says of a question whose token stays gone that it %s', async (_, expiresAt, kind) => {
    const approval = { M: { id: { S: '1' }, token: { S: 'gone' }, expiresAt: { S: expiresAt } } };
    answers = {
      DescribeExecution: [200, RUNNING],
      GetItem: [200, { Item: { id: { S: 'lock' }, remediation: { S: 'INC-1' }, approval } }],
      SendTaskSuccess: [400, { __type: 'TaskTimedOut', message: 'gone' }],
    };
    const onWait = vi.fn();
    const answering = (await remediations()).answer(
      'INC-1',
      { approval: '1', decision: 'approve', reason: '' },
      { by: ME, withinMs: 1_500, onWait },
    );
    await expect(answering).rejects.toMatchObject({ name: kind, remediation: 'INC-1' });
    expect(onWait).toHaveBeenCalledOnce();
    expect(requests.filter(({ target }) => target === 'SendTaskSuccess')).toHaveLength(1);
    expect(requests.filter(({ target }) => target === 'GetItem').length).toBeGreaterThan(1);
  });

  it('says that another question is asked, where that comes up while an answer waits', async () => {
    const asking = (id: string) => ({
      Item: { id: { S: 'lock' }, remediation: { S: 'INC-1' }, approval: { M: { id: { S: id }, token: { S: id } } } },
    });
    const items = [asking('1'), asking('2')];
    answers = {
      DescribeExecution: [200, RUNNING],
      get GetItem(): [number, object] {
        return [200, items.shift() ?? {}];
      },
      SendTaskSuccess: [400, { __type: 'TaskTimedOut', message: 'gone' }],
    };
    const body = JSON.stringify({ approval: '1', decision: 'approve' });
    const result = await handler(eventOf({ ...at('/remediations/INC-1/approval'), httpMethod: 'POST', body }));
    expect(JSON.parse(result.body).type).toBe('urn:etcd-remediation:problem:stale-approval');
  });

  it('takes an approval that does not say why', async () => {
    const approval = { M: { id: { S: '1' }, token: { S: 'the token' } } };
    answers = {
      DescribeExecution: [200, RUNNING],
      GetItem: [200, { Item: { id: { S: 'lock' }, remediation: { S: 'INC-1' }, approval } }],
      SendTaskSuccess: [200, {}],
    };
    const body = JSON.stringify({ approval: '1', decision: 'approve' });
    const result = await handler(eventOf({ ...at('/remediations/INC-1/approval'), httpMethod: 'POST', body }));
    expect(result.statusCode).toBe(202);
    expect(requests.at(-1)?.body).toMatchObject({
      output: JSON.stringify({ decision: 'approve', by: ME, reason: '' }),
    });
  });

  it('answers no question of a remediation that has the lock no more', async () => {
    answers = {
      DescribeExecution: [200, RUNNING],
      GetItem: [
        200,
        { Item: { id: { S: 'lock' }, remediation: { S: 'another' }, approval: { M: { id: { S: '1' } } } } },
      ],
    };
    const body = JSON.stringify({ approval: '1', decision: 'approve', reason: 'a test' });
    const result = await handler(eventOf({ ...at('/remediations/INC-1/approval'), httpMethod: 'POST', body }));
    expect(JSON.parse(result.body).type).toBe('urn:etcd-remediation:problem:not-waiting');
  });

  it('looks at an execution that was started with anything', async () => {
    answers = {
      DescribeExecution: [200, { ...RUNNING, status: 'FAILED', error: 'InvalidInput', cause: 'c', input: 'null' }],
      GetExecutionHistory: [200, { events: [] }],
    };
    const { statusCode, body } = await handler(eventOf({}));
    expect(statusCode).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ cluster: '', outcome: 'InvalidInput', progress: [], approval: null });
  });
});

const MEMBER = { name: 'm1', clientUrl: 'http://127.0.0.1:1', peerUrl: 'http://127.0.0.1:2' };
