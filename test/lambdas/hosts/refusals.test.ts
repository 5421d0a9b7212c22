import { describe, expect, it } from 'vitest';
import {
  cancelCommand,
  findCommands,
  readCommand,
  requireReachable,
  sendCommand,
} from '../../../lambdas/hosts/commands.ts';
import type { Ssm } from '../../../lambdas/hosts/ssm.ts';
import { AwsError } from '../../../local/aws/aws-error.ts';
import type { Operation } from '../../../local/aws/iam.ts';
import { connectSsm, HOST, STOP_ETCD, serve } from './support.ts';

const command = 'control-service';
const sent = { commandId: '00000000-0000-4000-8000-000000000000', sentAt: 0 };

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
      'ListCommands',
      'CancelCommand',
      'DescribeInstanceInformation',
    ];
    await serve(Object.fromEntries(names.map((name) => [`AmazonSSM.${name}`, refuse])));
    return counted;
  }
  const CALLS: Record<string, (ssm: Ssm) => Promise<unknown>> = {
    requireReachable: (ssm) => requireReachable(ssm, [HOST]),
    findCommands: (ssm) => findCommands(ssm, command, ['token'], '2026-01-31T12:00:00.000Z'),
    sendCommand: (ssm) => sendCommand(ssm, { host: HOST, command, parameters: STOP_ETCD, clientToken: 'token' }),
    readCommand: (ssm) => readCommand(ssm, HOST, command, sent),
    cancelCommand: (ssm) => cancelCommand(ssm, HOST, sent),
  };

  describe.each(Object.keys(CALLS))('of %s', (call) => {
    it.each([
      ['InvalidInstanceId', 'HostUnreachable', /SSM does not manage this host.*SSM Agent/],
      ['InvalidDocument', 'PreconditionFailed', /deploy again/],
      ['InvalidParameters', 'PreconditionFailed', /deploy again/],
      ['UnsupportedPlatformType', 'PreconditionFailed', /does not run Linux/],
      ['AccessDeniedException', 'PreconditionFailed', /role of the cluster may not.*deploy that stack again/],
      ['InvalidCommandId', 'HostCommandFailed', /SSM refused it: InvalidCommandId: no$/],
    ])('is told at once: %s is %s', async (type, name, message) => {
      const counted = await refusing(type);
      await expect(CALLS[call]?.(await connectSsm())).rejects.toMatchObject({
        name,
        message: expect.stringMatching(message),
      });
      expect(counted.requests).toBe(1);
    });

    it('is none where SSM only throttles', async () => {
      await refusing('ThrottlingException');
      await expect(CALLS[call]?.(await connectSsm())).rejects.toMatchObject({ name: 'AwsUnavailable' });
    });
  });
});
