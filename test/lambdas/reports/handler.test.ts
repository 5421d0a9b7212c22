import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { incidentReportSchema } from '../../../report/incident-report.ts';
import { arnOf, at } from '../../report/histories.ts';

const MACHINE = 'etcd-remediation-space-reclaim';
const ENTRY = arnOf('etcd-remediation', 'INC-1');
const seconds = (offset: number) => Date.parse(at(offset)) / 1000;
const EXECUTIONS: Record<string, object> = {
  [ENTRY]: {
    ...{ status: 'SUCCEEDED', startDate: seconds(0), stopDate: seconds(9), input: '{"cluster":"orders"}' },
    output: JSON.stringify({ outcome: 'Remediated', summary: 'There is room again.' }),
  },
};
const SUBMITTED = {
  resource: 'startExecution.sync:2',
  output: JSON.stringify({ ExecutionArn: arnOf(MACHINE, 'gone') }),
};
const EVENTS = [
  {
    id: 1,
    previousEventId: 0,
    timestamp: seconds(0),
    type: 'TaskStateEntered',
    stateEnteredEventDetails: { name: 'Run' },
  },
  { id: 2, previousEventId: 1, timestamp: seconds(1), type: 'TaskSubmitted', taskSubmittedEventDetails: SUBMITTED },
];

let server: Server;
let written: Map<string, string>;
let execution: object | undefined;
let handler: (event: unknown) => Promise<{ outcome: string }>;

beforeEach(async () => {
  written = new Map();
  execution = EXECUTIONS[ENTRY];
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    if (request.method === 'PUT') {
      written.set(new URL(`http://x${request.url}`).pathname, body);
      response.writeHead(200).end();
      return;
    }
    const { executionArn } = JSON.parse(body);
    const isHistory = String(request.headers['x-amz-target']).endsWith('GetExecutionHistory');
    const known = executionArn === ENTRY ? execution : undefined;
    const [status, answer] = !known
      ? [400, { __type: 'ExecutionDoesNotExist' }]
      : [200, isHistory ? { events: EVENTS } : { executionArn, ...known }];
    response.writeHead(status as number, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const environment = {
    ...{
      AWS_REGION: 'local',
      AWS_ACCESS_KEY_ID: 'LOCALKEY',
      AWS_SECRET_ACCESS_KEY: 'any',
      REPORTS_BUCKET: '127.0.0.1',
    },
    AWS_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ETCD_REMEDIATION_PREFIX: 'blue',
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  vi.resetModules();
  handler = (await import('../../../lambdas/reports/handler.ts')).handler;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const TOLD = { detail: { executionArn: ENTRY, status: 'SUCCEEDED' } };

it('writes the report of a remediation that has ended, as JSON and as a page, and says what it could not read', async () => {
  expect(await handler(TOLD)).toEqual({ outcome: 'Made' });
  const [data, page] = ['json', 'html'].map((kind) => [...written].find(([path]) => path.endsWith(`INC-1.${kind}`)));
  expect(data?.[0]).toMatch(/\/remediations\/INC-1\.json$/);
  const report = incidentReportSchema.parse(JSON.parse(data?.[1] ?? ''));
  expect(report).toMatchObject({ id: 'INC-1', cluster: 'orders', outcome: 'Remediated', cost: { durationMs: 9000 } });
  expect(report.unknown).toContain(
    `What the execution ${arnOf(MACHINE, 'gone')} did, step by step: its history could not be read.`,
  );
  expect(page?.[1]).toContain('There is room again.');
});

/** What it writes to its log as metrics. */
async function measuredBy(event: unknown): Promise<object[]> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  try {
    await handler(event);
    return log.mock.calls.map(([line]) => JSON.parse(line)).filter((line) => '_aws' in line);
  } finally {
    log.mockRestore();
  }
}

it('measures what became of it, under the prefix of what is deployed; not of a dry run', async () => {
  expect(await measuredBy(TOLD)).toMatchObject([
    {
      _aws: { CloudWatchMetrics: [{ Namespace: 'blue-EtcdRemediation', Dimensions: [['cluster']] }] },
      ...{ cluster: 'orders', Remediated: 1, RemediationFailed: 0, RemediationSeconds: 9 },
    },
  ]);
  const input = '{"cluster":"orders","dryRun":true}';
  execution = { ...execution, input, output: JSON.stringify({ outcome: 'Remediated' }) };
  expect(await measuredBy(TOLD)).toEqual([]);
});

it('measures how long an alarm took, and makes no report of it', async () => {
  const detail = {
    alarmName: 'blue-etcd-remediation/orders/quorum-lost',
    state: {
      ...{ value: 'ALARM', timestamp: '2026-10-02T17:04:40.000+0000' },
      reasonData: '{"startDate":"2026-10-02T17:01:00.000+0000"}',
    },
  };
  expect(await measuredBy({ detail })).toMatchObject([{ cluster: 'orders', DetectionSeconds: 220 }]);
  expect([...written]).toEqual([]);
});

it('makes none where another remediation had the cluster, for that one has its own', async () => {
  execution = { ...execution, output: JSON.stringify({ outcome: 'AlreadyInProgress' }) };
  expect(await handler(TOLD)).toEqual({ outcome: 'NothingToDo' });
  expect([...written]).toEqual([]);
});

it('is told again where Step Functions does not know yet that it has ended, and where it is of no use otherwise says why', async () => {
  execution = { ...execution, status: 'RUNNING' };
  await expect(handler(TOLD)).rejects.toMatchObject({ name: 'AwsUnavailable' });
  await expect(handler({ detail: {} })).rejects.toMatchObject({ name: 'InvalidInput' });
  expect([...written]).toEqual([]);
});
