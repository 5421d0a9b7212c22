import type { Context } from 'aws-lambda';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { InvalidInput, PreconditionFailed } from '../../core/errors.ts';
import { handlerOf } from '../../lambdas/handler.ts';

const CONTEXT = { awsRequestId: 'request-1' } as Context;
const URL = 'https://staging.example/orders/run-1.db.gz?X-Amz-Signature=0123';

/** What the function wrote to its log: a line of JSON each. */
const lines: Record<string, unknown>[] = [];
beforeEach(() => {
  lines.length = 0;
  const keep = (text: string) => lines.push(JSON.parse(text) as Record<string, unknown>);
  for (const level of ['info', 'warn', 'error'] as const) vi.spyOn(console, level).mockImplementation(keep);
});

/** A function of two steps. Powertools writes through Node's console only where it is told that it is no Lambda. */
function sample() {
  vi.stubEnv('POWERTOOLS_DEV', 'true');
  return handlerOf({
    'assess-space': async () => ({
      handler: async (input) => ({ action: 'Reclaim', summary: 'Three members.', url: URL, given: input }),
    }),
    'prove-writes': async () => ({
      handler: async () => {
        throw new PreconditionFailed('No quorum.');
      },
    }),
  });
}

describe('the handler of a function', () => {
  it('runs the step that the event names, with its input', async () => {
    const input = { cluster: { name: 'orders' } };
    expect(await sample()({ step: 'assess-space', execution: 'run-1', input }, CONTEXT)).toMatchObject({
      given: input,
    });
  });

  it('logs which step ran for which cluster and execution, what it decided and how long it took, and nothing else of it', async () => {
    await sample()({ step: 'assess-space', execution: 'run-1', input: { cluster: { name: 'orders' } } }, CONTEXT);
    expect(lines).toMatchObject([
      {
        level: 'INFO',
        message: 'The step has ended.',
        step: 'assess-space',
        cluster: 'orders',
        execution: 'run-1',
        requestId: 'request-1',
        durationMs: expect.any(Number),
        result: { action: 'Reclaim', summary: 'Three members.' },
      },
    ]);
    expect(JSON.stringify(lines)).not.toContain('X-Amz-Signature');
  });

  it.each([
    ['a name', { cluster: 'orders' }],
    ['a configuration', { cluster: { name: 'orders' } }],
  ])('logs the cluster where the input has it as %s', async (_, input) => {
    await sample()({ step: 'assess-space', input }, CONTEXT);
    expect(lines[0]).toMatchObject({ cluster: 'orders' });
  });

  it('lets an error through as it is, and logs its name and what it says', async () => {
    const failed = sample()({ step: 'prove-writes', execution: 'run-1', input: { cluster: 'orders' } }, CONTEXT);
    await expect(failed).rejects.toThrow(PreconditionFailed);
    expect(lines).toMatchObject([
      { level: 'WARN', step: 'prove-writes', cluster: 'orders', error: 'PreconditionFailed', problem: 'No quorum.' },
    ]);
  });

  it.each([
    ['a step of another function', { step: 'run-host-commands', input: {} }],
    ['what every object has', { step: 'toString', input: {} }],
    ['no step', { cluster: 'orders' }],
    ['nothing', undefined],
  ])('refuses %s', async (_, event) => {
    await expect(sample()(event, CONTEXT)).rejects.toThrow(InvalidInput);
  });
});
