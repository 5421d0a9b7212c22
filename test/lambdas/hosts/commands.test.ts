import { describe, expect, it } from 'vitest';
import { clientTokenOf, observeHosts, requireReachable, sendCommand } from '../../../lambdas/hosts/commands.ts';
import { AwsError } from '../../../local/aws/aws-error.ts';
import type { HostsFile } from '../../../local/hosts/access.ts';
import { connectSsm, HERE, HOST, OTHER_HOST, STOP_ETCD, SUCCEED, serve, serveControlService } from './support.ts';

const STOP = { host: HOST, command: 'control-service', parameters: STOP_ETCD } as const;

describe('the client token of a command', () => {
  const PHASE = { execution: 'run-1', visit: '2026-01-31T12:00:00.000Z', command: STOP.command };

  it('is the same each time, and tells what it is in the characters that SSM takes', () => {
    const parameters = Object.fromEntries(Object.entries(STOP_ETCD).toReversed());
    const clientToken = clientTokenOf({ ...PHASE, execution: 'a'.repeat(80) }, { host: HOST, parameters });
    expect(clientTokenOf({ ...PHASE, execution: 'a'.repeat(80) }, STOP)).toBe(clientToken);
    expect(clientToken).toMatch(/^control-service [0-9a-f]{32} a{40}$/);
    expect(clientToken.length).toBeLessThanOrEqual(100);
  });

  it('is another one for another host, phase or execution, and for other parameters', () => {
    const marks = [
      clientTokenOf(PHASE, STOP),
      clientTokenOf(PHASE, { ...STOP, host: OTHER_HOST }),
      clientTokenOf(PHASE, { ...STOP, parameters: { ...STOP_ETCD, action: 'start' } }),
      clientTokenOf({ ...PHASE, visit: '2026-01-31T12:00:00.001Z' }, STOP),
      clientTokenOf({ ...PHASE, execution: 'run-2' }, STOP),
    ];
    expect(new Set(marks).size).toBe(marks.length);
  });
});

describe('parameters', () => {
  it.each([
    ['a missing one', { ...STOP_ETCD, action: undefined }, '- action: is missing'],
    ['an unknown one', { ...STOP_ETCD, user: 'root' }, '- user: is not a known field'],
    [
      'another word',
      { ...STOP_ETCD, action: 'reboot' },
      '- action: must be "start" or "start-without-waiting" or "stop" or "restart"',
    ],
    ['no text', { ...STOP_ETCD, unit: 7 }, '- unit: must be text, and is a number'],
  ])('are refused before anything is sent: %s', async (_, parameters, problem) => {
    await serve({});
    const wrong = { ...STOP, clientToken: 'token', parameters } as unknown as typeof STOP & { clientToken: string };
    const ssm = await connectSsm();
    await expect(sendCommand(ssm, wrong)).rejects.toMatchObject({
      name: 'InvalidInput',
      message: `The call of control-service on ${HOST} has 1 problem; nothing was touched.\n${problem}`,
    });
  });
});

describe('the hosts', () => {
  it('are reached when a script starts on each', async () => {
    await serveControlService(SUCCEED, { ...HERE, [OTHER_HOST]: { exec: ['bash'] } });
    await expect(requireReachable(await connectSsm(), [HOST, OTHER_HOST])).resolves.toBeUndefined();
  });

  it('are named where SSM does not reach them, with what to look at', async () => {
    const pings: Record<string, string> = { 'i-lost': 'ConnectionLost', 'i-inactive': 'Inactive', [HOST]: 'Online' };
    await serve({
      'AmazonSSM.DescribeInstanceInformation': () => ({
        InstanceInformationList: Object.entries(pings).map(([InstanceId, PingStatus]) => ({ InstanceId, PingStatus })),
      }),
    });
    await expect(
      requireReachable(await connectSsm(), [HOST, 'i-lost', 'i-inactive', 'i-unknown']),
    ).rejects.toMatchObject({
      name: 'HostUnreachable',
      message: expect.stringMatching(
        /^SSM does not reach every host:\n- i-lost: ConnectionLost\n- i-inactive: Inactive\n- i-unknown: not a managed node, or stopped\n.*SSM Agent.*instance profile/,
      ),
    });
  });

  it('are named without AWS in the words of the way there, and with no word of SSM', async () => {
    await serveControlService(SUCCEED, {
      ...HERE,
      'i-refuses': { exec: ['sh', '-c', 'echo warning >&2; echo "Permission denied (publickey)." >&2; exit 255'] },
      'i-hangs': { exec: ['sleep', '60'] },
    });
    const failure = await requireReachable(await connectSsm(), [HOST, 'i-refuses', 'i-hangs']).catch((error) => error);
    expect(failure).toMatchObject({
      name: 'HostUnreachable',
      message: expect.stringMatching(
        /^Not every host is reached:\n- i-refuses: exit status 255: Permission denied \(publickey\)\.\n- i-hangs: no answer within 4 s\n.*Try it by hand/,
      ),
    });
    expect(failure.message).not.toMatch(/SSM|ConnectionLost|managed/);
  });

  it.each<[string, HostsFile, string]>([
    [
      'it is not there, beside others',
      HERE,
      `it is not in hosts.json, which has ${HOST}: add it there\nSo it was not asked`,
    ],
    [
      'it is not there, as no other is',
      {},
      'it is not in hosts.json, which has no host: add it there, and give the file with --hosts FILE\nSo it was not asked',
    ],
    [
      'its program is not there',
      { 'i-odd': { exec: ['no-such-command', 'bash'] } },
      'its "exec" in hosts.json names the program "no-such-command", which is not installed here, or not in PATH\nBring the host',
    ],
    [
      'its program only hands back what it is given',
      { 'i-odd': { exec: ['cat'] } },
      'its "exec" in hosts.json hands back what it is given on standard input, and no shell runs it\nBring the host',
    ],
    [
      'its program ends well and runs nothing',
      { 'i-odd': { exec: ['true'] } },
      'its "exec" in hosts.json ended well, and no shell has run what it was given on standard input\nBring the host',
    ],
  ])(
    'of which hosts.json says something wrong are refused as what time does not cure: %s',
    async (_, listed, problem) => {
      await serveControlService(SUCCEED, listed);
      await expect(requireReachable(await connectSsm(), ['i-odd'])).rejects.toMatchObject({
        name: 'PreconditionFailed',
        message: expect.stringContaining(`Not every host is reached:\n- i-odd: ${problem}`),
      });
    },
  );

  it('may be more than SSM takes in one request or gives in one answer', async () => {
    const hosts = Array.from({ length: 120 }, (_, index) => `i-${index}`);
    const sizes: number[] = [];
    await serve({
      'AmazonSSM.DescribeInstanceInformation': ({ Filters, NextToken }) => {
        const [{ Values }] = Filters as [{ Values: string[] }];
        sizes.push(Values.length);
        const half = Math.ceil(Values.length / 2);
        const page = NextToken ? Values.slice(half) : Values.slice(0, half);
        return {
          InstanceInformationList: page.map((InstanceId) => ({ InstanceId, PingStatus: 'Online' })),
          ...(!NextToken && { NextToken: 'second' }),
        };
      },
    });
    await expect(requireReachable(await connectSsm(), hosts)).resolves.toBeUndefined();
    expect(sizes).toEqual([50, 50, 50, 50, 20, 20]);
  });

  it('are looked for without an error, each with what SSM says of it', async () => {
    await serveControlService(SUCCEED, { ...HERE, 'i-refuses': { exec: ['false'] } });
    expect(await observeHosts([HOST, 'i-refuses', 'i-unknown'])).toEqual([
      { host: HOST, reachable: true, problem: '' },
      { host: 'i-refuses', reachable: false, problem: 'exit status 1' },
      {
        host: 'i-unknown',
        reachable: false,
        problem: `it is not in hosts.json, which has ${HOST}, i-refuses: add it there`,
      },
    ]);
  });

  it.each([
    ['does not answer', 'InternalFailure', /^SSM, asked for which hosts it reaches, was not answered/],
    ['refuses to', 'AccessDeniedException', /^which hosts it reaches: SSM refused it: AccessDeniedException/],
  ])('are unknown where SSM %s, which is asked once', async (_, type, problem) => {
    let requests = 0;
    await serve({
      'AmazonSSM.DescribeInstanceInformation': () => {
        requests++;
        throw new AwsError(type, 'no');
      },
    });
    expect(await observeHosts([HOST, OTHER_HOST])).toEqual(
      [HOST, OTHER_HOST].map((host) => ({ host, reachable: 'unknown', problem: expect.stringMatching(problem) })),
    );
    expect(requests).toBe(1);
  });

  it('of a cluster without any are not asked for', async () => {
    await serve({});
    expect(await observeHosts([])).toEqual([]);
  });
});
