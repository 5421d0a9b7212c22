import { describe, expect, it } from 'vitest';
import { RIGHT_INPUTS } from '../../../core/remediation/remediation.ts';
import { handler } from '../../../lambdas/steps/load-remediation.ts';

describe('what a remediation was started with', () => {
  it.each<[string, unknown, RegExp]>([
    ['nothing', {}, /cluster: must be the name of a cluster/],
    ['text', 'orders', /must be an object/],
    ['a member of nothing', { cluster: 'orders', member: 'node3' }, /member: is for one runbook/],
    ['an incident that there is not', { cluster: 'orders', incident: 'disk-full' }, /"quorum-lost".*"space-exceeded"/],
  ])('is refused with right ones, before anything is asked for, where it is %s', async (_, input, problem) => {
    await expect(handler({ execution: 'run-1', input })).rejects.toMatchObject({
      name: 'InvalidInput',
      message: expect.stringMatching(problem),
    });
    await expect(handler({ execution: 'run-1', input })).rejects.toThrow(RIGHT_INPUTS);
  });

  it.each(['../deployment', 'orders/', 'http://10.6.6.6:2379', 'a'.repeat(64)])(
    'is refused, before anything is asked for, for a cluster that can have no such name: %s',
    async (cluster) => {
      await expect(handler({ execution: 'run-1', input: { cluster } })).rejects.toMatchObject({
        name: 'InvalidInput',
        message: `No cluster can have the name "${cluster}". Check the name.`,
      });
    },
  );

  it.each<[string, unknown, RegExp]>([
    ['no name', { cluster: 'orders', alarm: '' }, /alarm: must be/],
    ['a dry run', { cluster: 'orders', alarm: 'a', dryRun: true }, /dryRun: is not a known field/],
    ['a member', { cluster: 'orders', alarm: 'a', incident: 'member-failed', member: 'm1' }, /member: is not a known/],
    [
      'parameters',
      { cluster: 'orders', alarm: 'a', incident: 'quorum-lost', parameters: {} },
      /parameters: is not a known field/,
    ],
    ['somebody who wants it', { cluster: 'orders', alarm: 'a', requestedBy: 'ann' }, /requestedBy: is not a known/],
  ])('is refused where it is an alarm with %s, which no alarm has', async (_, input, problem) => {
    await expect(handler({ execution: 'run-1', input })).rejects.toMatchObject({
      name: 'InvalidInput',
      message: expect.stringMatching(problem),
    });
  });

  it('is refused under a name that hosts could not take', async () => {
    await expect(handler({ execution: 'a.b', input: { cluster: 'orders' } })).rejects.toMatchObject({
      name: 'InvalidInput',
      message: expect.stringContaining('execution: must be 1 to 80 letters, digits, "-" or "_"'),
    });
  });
});
