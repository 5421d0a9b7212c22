import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  cancelCommand,
  lookForHosts,
  requireReachable,
  sendCommand,
  waitForCommand,
} from '../../../lambdas/hosts/commands.ts';
import { AwsError } from '../../../local/aws/endpoint.ts';
import type { HostsFile } from '../../../local/hosts/access.ts';
import { WAIT_MS } from '../../run/patience.ts';
import {
  HERE,
  HOST,
  isRunning,
  OTHER_HOST,
  SUCCEED,
  serve,
  serveControlService,
  temporaryFolder,
  until,
} from './support.ts';

const STOP = {
  host: HOST,
  command: 'control-service',
  parameters: { unit: 'etcd', action: 'stop' },
  execution: 'run-1',
} as const;
const BOUND = { waitMs: WAIT_MS };

function waitFor(commandId: string, { host = HOST as string, waitMs = BOUND.waitMs } = {}) {
  return waitForCommand({ host, commandId, command: 'control-service' }, { waitMs });
}

/** The lines that scripts have written so far. */
function linesIn(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
}

describe('a host command', () => {
  it('runs on its host with its parameters, and gives its result', async () => {
    await serveControlService(`echo "to $unit" >&2; echo 'not the last line'; ${SUCCEED}`);
    expect(await waitFor(await sendCommand(STOP))).toEqual({
      status: 'Done',
      result: { activeState: 'active', subState: 'stop', mainPid: 7 },
    });
  });

  it('is in progress until it ends, and is waited for no longer than wished', async () => {
    const open = join(await temporaryFolder(), 'open');
    await serveControlService(`${until(open)}; ${SUCCEED}`);
    const commandId = await sendCommand(STOP);
    expect(await waitFor(commandId, { waitMs: 0 })).toEqual({ status: 'InProgress' });
    expect(await waitFor(commandId, { waitMs: 1_000 })).toEqual({ status: 'InProgress' });
    const waiting = waitFor(commandId);
    writeFileSync(open, '');
    expect(await waiting).toMatchObject({ status: 'Done' });
  });

  it('that SSM does not know yet is in progress', async () => {
    await serveControlService(SUCCEED);
    const unknown = '00000000-0000-4000-8000-000000000000';
    expect(await waitFor(unknown, { waitMs: 0 })).toEqual({ status: 'InProgress' });
    expect(await waitFor(unknown, { waitMs: 1_000 })).toEqual({ status: 'InProgress' });
  });

  it('runs on two hosts at the same time', async () => {
    const folder = await temporaryFolder();
    // Each ends only when the other has begun.
    await serveControlService(`touch ${folder}/$unit; ${until(`${folder}/a`, `${folder}/b`)}; ${SUCCEED}`, {
      [HOST]: { exec: ['sh'] },
      [OTHER_HOST]: { exec: ['bash'] },
    });
    const on = async (host: string, unit: string) =>
      waitFor(await sendCommand({ ...STOP, host, parameters: { unit, action: 'stop' } }), { host });
    expect(await Promise.all([on(HOST, 'a'), on(OTHER_HOST, 'b')])).toEqual([
      expect.objectContaining({ status: 'Done' }),
      expect.objectContaining({ status: 'Done' }),
    ]);
  });

  it('that fails ends as its exit code says, in its own words', async () => {
    await serveControlService(`echo '{"message":"the unit is masked"}'; echo details >&2; exit 65`);
    await expect(waitFor(await sendCommand(STOP))).rejects.toMatchObject({
      name: 'PreconditionFailed',
      message: `${HOST}, control-service: the unit is masked`,
    });
  });

  it('that fails without a word is told by the end of standard error', async () => {
    await serveControlService('echo boom >&2; exit 3');
    await expect(waitFor(await sendCommand(STOP))).rejects.toMatchObject({
      name: 'HostCommandFailed',
      message: `${HOST}, control-service: it ended with exit code 3\nIt ended with: boom`,
    });
  });

  it('whose output is longer than what Run Command gives has no result', async () => {
    await serveControlService(`printf '%030000d\\n' 0; ${SUCCEED}`);
    await expect(waitFor(await sendCommand(STOP))).rejects.toMatchObject({
      name: 'HostCommandFailed',
      message: expect.stringMatching(/gives the first 24000 characters of an output, and this one was longer/),
    });
  });

  it('does not reach a host that lets nobody in', async () => {
    await serveControlService(SUCCEED, { [HOST]: { exec: ['false'] } });
    await expect(waitFor(await sendCommand(STOP))).rejects.toMatchObject({
      name: 'HostUnreachable',
      message: expect.stringMatching(new RegExp(`^${HOST}, control-service: Undeliverable: .*did not run.*SSM Agent`)),
    });
  });

  it('can be cancelled, which kills its script', async () => {
    const pidFile = join(await temporaryFolder(), 'pid');
    await serveControlService(`echo $$ > ${pidFile}; sleep 45; ${SUCCEED}`);
    const commandId = await sendCommand(STOP);
    await expect.poll(() => linesIn(pidFile)).toHaveLength(1);
    const pid = Number(linesIn(pidFile)[0]);
    expect(isRunning(pid)).toBe(true);
    await cancelCommand({ host: HOST, commandId });
    // It is in progress until its script has ended.
    const outcome = () => waitFor(commandId, { waitMs: 0 }).then(({ status }) => status, String);
    await expect.poll(outcome).toMatch(/^HostCommandFailed: i-\w+, control-service: Cancelled: it was cancelled/);
    await expect.poll(() => isRunning(pid)).toBe(false);
  });
});

describe('a command that was sent before', () => {
  /** A script that counts itself in a file, and runs until a second file is there. */
  async function countingScript() {
    const folder = await temporaryFolder();
    const [starts, open] = [join(folder, 'starts'), join(folder, 'open')];
    return { starts, open, body: `echo $action >> ${starts}; ${until(open)}; ${SUCCEED}` };
  }

  it('by an invocation that ended before it had the answer is taken up while it runs', async () => {
    const { starts, body } = await countingScript();
    const { operations } = await serveControlService(body);
    let sends = 0;
    await serve({
      ...operations,
      'AmazonSSM.SendCommand': async (request) => {
        const answer = await operations['AmazonSSM.SendCommand']?.(request);
        if (++sends === 1) throw new AwsError('InternalFailure', 'the answer is lost');
        return answer;
      },
    });
    await expect(sendCommand(STOP)).rejects.toMatchObject({ name: 'AwsUnavailable' });
    await expect.poll(() => linesIn(starts)).toEqual(['stop']);
    const commandId = await sendCommand(STOP);
    expect(await sendCommand(STOP)).toBe(commandId);
    expect(sends).toBe(1);
    expect(linesIn(starts)).toEqual(['stop']);
  });

  it('with other parameters, by another execution, or to another host is another command', async () => {
    const { body } = await countingScript();
    await serveControlService(body, { ...HERE, [OTHER_HOST]: { exec: ['sh'] } });
    const ids = [
      await sendCommand(STOP),
      await sendCommand({ ...STOP, parameters: { unit: 'etcd', action: 'start' } }),
      await sendCommand({ ...STOP, execution: 'run-2' }),
      await sendCommand({ ...STOP, host: OTHER_HOST }),
    ];
    expect(new Set(ids).size).toBe(4);
  });

  it('and has ended is sent again', async () => {
    await serveControlService(SUCCEED);
    const first = await sendCommand(STOP);
    await waitFor(first);
    expect(await sendCommand(STOP)).not.toBe(first);
  });
});

describe('parameters', () => {
  it.each([
    ['a missing one', { unit: 'etcd' }, '- action: is missing'],
    ['an unknown one', { unit: 'etcd', action: 'stop', user: 'root' }, '- user: is not a known field'],
    [
      'another word',
      { unit: 'etcd', action: 'reboot' },
      '- action: must be "start" or "launch" or "stop" or "restart"',
    ],
    ['no text', { unit: 7, action: 'stop' }, '- unit: must be text, and is a number'],
  ])('are refused before anything is sent: %s', async (_, parameters, problem) => {
    await serve({});
    const wrong = { ...STOP, parameters } as unknown as typeof STOP;
    await expect(async () => sendCommand(wrong)).rejects.toMatchObject({
      name: 'InvalidInput',
      message: `The call of control-service on ${HOST} has 1 problem; nothing was touched.\n${problem}`,
    });
  });
});

describe('the hosts', () => {
  it('are reached when a script starts on each', async () => {
    await serveControlService(SUCCEED, { ...HERE, [OTHER_HOST]: { exec: ['bash'] } });
    await expect(requireReachable([HOST, OTHER_HOST])).resolves.toBeUndefined();
  });

  it('are named where SSM does not reach them, with what to look at', async () => {
    const pings: Record<string, string> = { 'i-lost': 'ConnectionLost', 'i-inactive': 'Inactive', [HOST]: 'Online' };
    await serve({
      'AmazonSSM.DescribeInstanceInformation': () => ({
        InstanceInformationList: Object.entries(pings).map(([InstanceId, PingStatus]) => ({ InstanceId, PingStatus })),
      }),
    });
    await expect(requireReachable([HOST, 'i-lost', 'i-inactive', 'i-unknown'])).rejects.toMatchObject({
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
    const failure = await requireReachable([HOST, 'i-refuses', 'i-hangs']).catch((error) => error);
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
      `it is not in hosts.json, which has ${HOST}: add it there\nNobody was asked`,
    ],
    [
      'it is not there, as no other is',
      {},
      'it is not in hosts.json, which has no host: give it with --hosts FILE\nNobody was asked',
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
      await expect(requireReachable(['i-odd'])).rejects.toMatchObject({
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
    await expect(requireReachable(hosts)).resolves.toBeUndefined();
    expect(sizes).toEqual([50, 50, 50, 50, 20, 20]);
  });

  it('are looked for without an error, each with what SSM says of it', async () => {
    await serveControlService(SUCCEED, { ...HERE, 'i-refuses': { exec: ['false'] } });
    expect(await lookForHosts([HOST, 'i-refuses', 'i-unknown'])).toEqual([
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
    expect(await lookForHosts([HOST, OTHER_HOST])).toEqual(
      [HOST, OTHER_HOST].map((host) => ({ host, reachable: 'unknown', problem: expect.stringMatching(problem) })),
    );
    expect(requests).toBe(1);
  });

  it('of a cluster without any are not asked for', async () => {
    await serve({});
    expect(await lookForHosts([])).toEqual([]);
  });
});
