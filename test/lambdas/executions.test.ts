import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { requireAlone } from '../../lambdas/executions.ts';
import { executionArn, stateMachineArn } from '../../local/asl/arn.ts';
import { AwsError } from '../../local/aws/aws-error.ts';
import { type AwsEndpoint, serveAwsEndpoint } from '../../local/aws/endpoint.ts';

const RUNBOOK = 'etcd-remediation-space-reclaim';
const KEY = 'LOCALKEY';

/** What Step Functions answers, look by look: the names of what runs, and with which input. */
let looks: Record<string, string>[];
/** Which executions it was asked to describe, and how often it was asked what runs. */
let described: string[];
let listed: number;
let endpoint: AwsEndpoint;
beforeEach(async () => {
  described = [];
  listed = 0;
  endpoint = await serveAwsEndpoint(
    {
      'AWSStepFunctions.ListExecutions': ({ stateMachineArn: asked, statusFilter }) => {
        expect([asked, statusFilter]).toEqual([stateMachineArn(RUNBOOK), 'RUNNING']);
        listed += 1;
        const running = looks.length > 1 ? looks.shift() : looks[0];
        if (!running) throw new AwsError('AccessDeniedException', 'not authorized');
        current = running;
        return {
          executions: Object.keys(running).map((name) => ({ name, executionArn: executionArn(RUNBOOK, name) })),
        };
      },
      'AWSStepFunctions.DescribeExecution': ({ executionArn: asked }) => {
        const name = String(asked).split(':').at(-1) ?? '';
        described.push(name);
        return { executionArn: asked, name, status: 'RUNNING', input: current[name] };
      },
    },
    KEY,
  );
  vi.stubEnv('AWS_ENDPOINT_URL_SFN', endpoint.url);
  vi.stubEnv('AWS_REGION', 'local');
  vi.stubEnv('AWS_ACCESS_KEY_ID', KEY);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  vi.stubEnv('RUNBOOKS', stateMachineArn(RUNBOOK));
});
let current: Record<string, string> = {};
afterEach(async () => {
  vi.unstubAllEnvs();
  await endpoint.close();
});

describe('a runbook that wants to be alone', () => {
  it('is, where nothing runs but itself, and others for other clusters, dry runs, or what names none', async () => {
    looks = [
      {
        dry: '{"cluster":"orders","dryRun":true}',
        me: '{"cluster":"orders"}',
        other: '{"cluster":"billing"}',
        odd: 'null',
      },
    ];
    await expect(requireAlone('orders', { execution: 'me', withinMs: 0 })).resolves.toBeUndefined();
  });

  it('is told who is at work', async () => {
    looks = [{ 'run-7': '{"cluster":"orders","dryRun":false}' }];
    await expect(requireAlone('orders', { withinMs: 0 })).rejects.toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringContaining(executionArn(RUNBOOK, 'run-7')),
    });
  });

  it('waits for one that is being stopped', async () => {
    looks = [{ 'run-7': '{"cluster":"orders"}' }, {}];
    await expect(requireAlone('orders')).resolves.toBeUndefined();
    expect(looks).toHaveLength(1);
  });

  it('knows by its name whose an execution is that a remediation has started, and asks of no other cluster', async () => {
    const running = (cluster: string) => [`${cluster}_0123456789abcdef`, JSON.stringify({ cluster })];
    const others = ['billing', 'orders-2', 'order', 'o'].map(running);
    // Names that somebody has thought of say nothing.
    const byHand = { orders_0123456789abcde: '{"cluster":"billing"}', 'billing-0123456789abcdef': 'null' };
    looks = [{ ...Object.fromEntries(others), ...byHand }];
    await expect(requireAlone('orders', { withinMs: 0 })).resolves.toBeUndefined();
    expect(described.toSorted()).toEqual(Object.keys(byHand).toSorted());
    looks = [Object.fromEntries([...others, running('orders')])];
    await expect(requireAlone('orders', { withinMs: 0 })).rejects.toThrow('orders_0123456789abcdef');
  });

  it('takes what another one has seen in the same environment, if that is new enough, and looks anew to wait', async () => {
    looks = [{}];
    const before = Date.now();
    await requireAlone('orders', { seenSinceMs: before });
    await requireAlone('billing', { seenSinceMs: before });
    expect(listed).toBe(1);
    await requireAlone('billing', { seenSinceMs: Date.now() + 1 });
    expect(listed).toBe(2);
    looks = [{ 'run-7': '{"cluster":"orders"}' }, {}];
    await requireAlone('orders', { seenSinceMs: Date.now() + 1 });
    expect(listed).toBe(4);
  });

  it('does not go on where it may not ask', async () => {
    looks = [];
    await expect(requireAlone('orders')).rejects.toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringContaining('AccessDeniedException'),
    });
  });
});
