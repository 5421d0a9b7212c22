import { describe, expect, it } from 'vitest';
import { cancelCommand, requireReachable, sendCommand, waitForCommand } from '../../../lambdas/hosts/commands.ts';
import { AwsError, type Operation } from '../../../local/aws/endpoint.ts';
import { WAIT_MS } from '../../run/patience.ts';
import { HOST, serve } from './support.ts';

const command = 'control-service';
const commandId = '00000000-0000-4000-8000-000000000000';

describe('a refusal of SSM', () => {
  /** Every operation is refused in the same way; counts how often. */
  async function refusing(type: string) {
    const counted = { requests: 0 };
    const refuse: Operation = () => {
      counted.requests++;
      throw new AwsError(type, 'no');
    };
    const names = [
      'SendCommand',
      'GetCommandInvocation',
      'ListCommandInvocations',
      'CancelCommand',
      'DescribeInstanceInformation',
    ];
    await serve(Object.fromEntries(names.map((name) => [`AmazonSSM.${name}`, refuse])));
    return counted;
  }
  const CALLS: Record<string, () => Promise<unknown>> = {
    requireReachable: () => requireReachable([HOST]),
    sendCommand: () =>
      sendCommand({ host: HOST, command, parameters: { unit: 'etcd', action: 'stop' }, execution: 'run-1' }),
    waitForCommand: () => waitForCommand({ host: HOST, commandId, command }, { waitMs: WAIT_MS }),
    cancelCommand: () => cancelCommand({ host: HOST, commandId }),
  };

  describe.each(Object.keys(CALLS))('of %s', (call) => {
    it.each([
      ['InvalidInstanceId', 'HostUnreachable', /SSM does not manage this host.*SSM Agent/],
      ['InvalidDocument', 'PreconditionFailed', /deploy again/],
      ['InvalidParameters', 'PreconditionFailed', /deploy again/],
      ['UnsupportedPlatformType', 'PreconditionFailed', /does not run Linux/],
      ['AccessDeniedException', 'PreconditionFailed', /role of this step may not.*deploy again/],
      ['InvalidCommandId', 'HostCommandFailed', /SSM refused it: InvalidCommandId: no$/],
    ])('is told at once: %s is %s', async (type, name, message) => {
      const counted = await refusing(type);
      await expect(CALLS[call]?.()).rejects.toMatchObject({ name, message: expect.stringMatching(message) });
      expect(counted.requests).toBe(1);
    });

    it('is none where SSM only throttles', async () => {
      await refusing('ThrottlingException');
      await expect(CALLS[call]?.()).rejects.toMatchObject({ name: 'AwsUnavailable' });
    });
  });
});
