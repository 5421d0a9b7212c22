import { describe, expect, it } from 'vitest';
import { RIGHT_INPUTS } from '../../../core/contracts/remediation.ts';
import { handler } from '../../../lambdas/steps/load-remediation.ts';

describe('what a remediation was started with', () => {
  it.each<[string, unknown, RegExp]>([
    ['nothing', {}, /cluster: must be the name of a cluster/],
    ['text', 'orders', /must be an object/],
    ['a member of nothing', { cluster: 'orders', member: 'node3' }, /member: is for one runbook/],
    ['an incident that there is not', { cluster: 'orders', incident: 'disk-full' }, /"space-exceeded".*"quorum-lost"/],
  ])('is refused with right ones, before anything is asked for, where it is %s', async (_, input, problem) => {
    await expect(handler({ execution: 'run-1', input })).rejects.toMatchObject({
      name: 'InvalidInput',
      message: expect.stringMatching(problem),
    });
    await expect(handler({ execution: 'run-1', input })).rejects.toThrow(RIGHT_INPUTS);
  });

  it('is refused under a name that hosts could not take', async () => {
    await expect(handler({ execution: 'a.b', input: { cluster: 'orders' } })).rejects.toMatchObject({
      name: 'InvalidInput',
      message: expect.stringContaining('execution: must be 1 to 80 letters, digits, "-" or "_"'),
    });
  });
});
