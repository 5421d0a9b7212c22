import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { HostCommandName } from '../../../core/contracts/host-commands.ts';
import { HostCommandRunning, runOnHosts } from '../../../lambdas/hosts/run.ts';
import { AwsError, type Operation } from '../../../local/aws/endpoint.ts';
import { WAIT_MS } from '../../run/patience.ts';
import {
  HERE,
  HOST,
  linesIn,
  OTHER_HOST,
  SUCCEED,
  serve,
  serveControlService,
  temporaryFolder,
  until,
} from './support.ts';

const BOTH = { ...HERE, [OTHER_HOST]: { exec: ['bash'] } };
/** Waits for as long as it takes, and for nothing else. */
const PATIENT = { endMs: WAIT_MS, listedMs: 0, awayMs: [0, 0] };
/** Looks once. */
const HASTY = { ...PATIENT, endMs: 0 };
const STOPPED = { activeState: 'active', subState: 'stop', mainPid: 7 };

const on = (host: string, unit = 'etcd', member = host === HOST ? 'm1' : 'm2') => ({
  ...{ member, host, parameters: { unit, action: 'stop' } },
});

function phaseOf(commands = [on(HOST)]) {
  const command: HostCommandName = 'control-service';
  return { command, commands, execution: 'run-1', visit: new Date().toISOString(), attempt: 0 };
}

/** The same phase, asked once more. */
function again(phase: ReturnType<typeof phaseOf>) {
  return { ...phase, attempt: phase.attempt + 1 };
}

/** Run Command, which counts what is sent; `more` take the place of its operations. */
async function serveCounting(
  body: string,
  more: (operations: Record<string, Operation>) => Record<string, Operation> = () => ({}),
  hosts = HERE as typeof BOTH,
) {
  const { operations } = await serveControlService(body, hosts);
  const counted: Record<string, number> = {};
  const count = (all: Record<string, Operation>): Record<string, Operation> =>
    Object.fromEntries(
      Object.entries(all).map(([name, operation]) => [
        name,
        (request) => {
          const short = name.replace('AmazonSSM.', '');
          counted[short] = (counted[short] ?? 0) + 1;
          return operation(request);
        },
      ]),
    );
  await serve(count({ ...operations, ...more(operations) }));
  return counted;
}

/** SSM, which takes every host for one that is there. */
const online: Operation = ({ Filters }) => {
  const [{ Values }] = Filters as [{ Values: string[] }];
  return { InstanceInformationList: Values.map((InstanceId) => ({ InstanceId, PingStatus: 'Online' })) };
};

/** A script that writes a line when it begins, and runs until a file is there. */
async function heldScript() {
  const folder = await temporaryFolder();
  const [starts, open] = [join(folder, 'starts'), join(folder, 'open')];
  return { starts, open, body: `echo $unit >> ${starts}; ${until(open)}; ${SUCCEED}` };
}

describe('a phase', () => {
  it('runs its command on every host, and reports in the order of the commands what each came to', async () => {
    await serveControlService(`[ $unit = a ] && sleep 0.3; echo 'not the last line'; ${SUCCEED}`, BOTH);
    expect(await runOnHosts(phaseOf([on(HOST, 'a'), on(OTHER_HOST, 'b')]), PATIENT)).toEqual({
      reports: [
        { member: 'm1', host: HOST, result: STOPPED, error: '', problem: '' },
        { member: 'm2', host: OTHER_HOST, result: STOPPED, error: '', problem: '' },
      ],
      failed: '',
      problems: '',
    });
  });

  it('runs on all hosts at the same time', async () => {
    const folder = await temporaryFolder();
    // Each ends only when the other has begun.
    await serveControlService(`touch ${folder}/$unit; ${until(`${folder}/a`, `${folder}/b`)}; ${SUCCEED}`, BOTH);
    const { failed } = await runOnHosts(phaseOf([on(HOST, 'a'), on(OTHER_HOST, 'b')]), PATIENT);
    expect(failed).toBe('');
  });

  it('runs on no more hosts at the same time than it may, in their order', async () => {
    const log = join(await temporaryFolder(), 'log');
    await serveControlService(`echo $unit >> ${log}; sleep 0.1; echo $unit >> ${log}; ${SUCCEED}`, BOTH);
    await runOnHosts({ ...phaseOf([on(HOST, 'a'), on(OTHER_HOST, 'b'), on(HOST, 'c')]), atOnce: 1 }, PATIENT);
    expect(linesIn(log)).toEqual(['a', 'a', 'b', 'b', 'c', 'c']);
  });

  it('of no command asks SSM nothing', async () => {
    await serve({});
    expect(await runOnHosts(phaseOf([]), PATIENT)).toEqual({ reports: [], failed: '', problems: '' });
  });

  it('sends nothing to anybody where a parameter of one is wrong', async () => {
    await serve({});
    await expect(runOnHosts(phaseOf([on(HOST), on(OTHER_HOST, 'a b')]), PATIENT)).rejects.toMatchObject({
      name: 'InvalidInput',
      message: expect.stringContaining(`The call of control-service on ${OTHER_HOST} has 1 problem`),
    });
  });
});

describe('a failure on one host', () => {
  it('keeps no other from its end, and is reported in its own words', async () => {
    const body = `if [ $unit = a ]; then echo '{"message":"the unit is masked"}'; exit 65; fi; sleep 0.2; ${SUCCEED}`;
    await serveControlService(body, BOTH);
    const problem = `${HOST}, control-service: the unit is masked`;
    expect(await runOnHosts(phaseOf([on(HOST, 'a'), on(OTHER_HOST, 'b')]), PATIENT)).toEqual({
      reports: [
        { member: 'm1', host: HOST, result: null, error: 'PreconditionFailed', problem },
        { member: 'm2', host: OTHER_HOST, result: STOPPED, error: '', problem: '' },
      ],
      failed: 'PreconditionFailed',
      problems: `m1: ${problem}`,
    });
  });

  it('and on another at the same time are both told', async () => {
    await serveControlService('echo "boom $unit" >&2; exit 3', BOTH);
    const { failed, problems } = await runOnHosts(phaseOf([on(HOST, 'a'), on(OTHER_HOST, 'b')]), PATIENT);
    expect(failed).toBe('HostCommandFailed');
    expect(problems).toBe(
      `m1: ${HOST}, control-service: it ended with exit code 3\nIt ended with: boom a\n` +
        `m2: ${OTHER_HOST}, control-service: it ended with exit code 3\nIt ended with: boom b`,
    );
  });

  it('may be an output that is longer than what Run Command gives', async () => {
    await serveControlService(`printf '%030000d\\n' 0; ${SUCCEED}`);
    const { problems } = await runOnHosts(phaseOf(), PATIENT);
    expect(problems).toMatch(/gives the first 24000 characters of an output, and this one was longer/);
  });
});

describe('a command that takes longer', () => {
  it('is named with its member, and the next call tells what has become of it: it was sent once', async () => {
    const { starts, open, body } = await heldScript();
    const sent = await serveCounting(`[ $unit = b ] && { ${SUCCEED}; exit; }; ${body}`, undefined, BOTH);
    const phase = phaseOf([on(HOST, 'a'), on(OTHER_HOST, 'b')]);
    const first = await runOnHosts(phase, { ...PATIENT, endMs: 800 }).catch((error) => error);
    expect(first).toBeInstanceOf(HostCommandRunning);
    expect(first).toMatchObject({ name: 'HostCommandRunning', message: 'control-service has not ended on m1.' });
    writeFileSync(open, '');
    const { reports } = await runOnHosts(again(phase), PATIENT);
    expect(reports.map(({ result }) => result)).toEqual([STOPPED, STOPPED]);
    expect(linesIn(starts)).toEqual(['a']);
    expect(sent).toMatchObject({ SendCommand: 2 });
  });

  it('keeps those from beginning that may not run at the same time', async () => {
    const { starts, open, body } = await heldScript();
    await serveControlService(body, BOTH);
    const phase = { ...phaseOf([on(HOST, 'a'), on(OTHER_HOST, 'b')]), atOnce: 1 };
    for (const each of [phase, again(phase)]) {
      await expect(runOnHosts(each, { ...PATIENT, endMs: 400 })).rejects.toThrow(/not ended on m1, m2\.$/);
    }
    expect(linesIn(starts)).toEqual(['a']);
    writeFileSync(open, '');
    expect(await runOnHosts(again(phase), PATIENT)).toMatchObject({ failed: '' });
    expect(linesIn(starts)).toEqual(['a', 'b']);
  });

  it('is found while its host has not got it yet', async () => {
    const open = join(await temporaryFolder(), 'open');
    // The way to the host takes until the file is there; that the host is away is not known before.
    const slow = { ...BOTH, [HOST]: { exec: ['bash', '-c', `${until(open)}; exec sh`] } };
    const sent = await serveCounting(SUCCEED, () => ({ 'AmazonSSM.DescribeInstanceInformation': online }), slow);
    const phase = phaseOf();
    await expect(runOnHosts(phase, HASTY)).rejects.toThrow(HostCommandRunning);
    await expect(runOnHosts(again(phase), HASTY)).rejects.toThrow(HostCommandRunning);
    writeFileSync(open, '');
    expect(await runOnHosts(again(phase), PATIENT)).toMatchObject({ failed: '' });
    expect(sent).toMatchObject({ SendCommand: 1 });
  });
});

describe('a call that repeats another', () => {
  it('finds what that one has sent, also where it has ended', async () => {
    const sent = await serveCounting(SUCCEED);
    const phase = phaseOf();
    const first = await runOnHosts(phase, PATIENT);
    // Its answer was lost, or its function was killed.
    expect(await runOnHosts(again(phase), PATIENT)).toEqual(first);
    expect(sent).toMatchObject({ SendCommand: 1 });
  });

  it('finds what was sent although the answer to it was lost', async () => {
    const { starts, open, body } = await heldScript();
    const sent = await serveCounting(body, (operations) => ({
      'AmazonSSM.SendCommand': async (request) => {
        await operations['AmazonSSM.SendCommand']?.(request);
        throw new AwsError('InternalFailure', 'the answer is lost');
      },
    }));
    const phase = phaseOf();
    await expect(runOnHosts(phase, PATIENT)).rejects.toMatchObject({ name: 'AwsUnavailable' });
    writeFileSync(open, '');
    expect(await runOnHosts(again(phase), PATIENT)).toMatchObject({ failed: '' });
    expect(sent).toMatchObject({ SendCommand: 1 });
    expect(linesIn(starts)).toEqual(['etcd']);
  });

  it('finds it although Run Command lists it only a moment later', async () => {
    let lists = 0;
    const sent = await serveCounting(SUCCEED, (operations) => ({
      'AmazonSSM.ListCommands': (request) =>
        ++lists === 2 ? { Commands: [] } : operations['AmazonSSM.ListCommands']?.(request),
    }));
    const phase = phaseOf();
    await runOnHosts(phase, PATIENT);
    await runOnHosts(again(phase), PATIENT);
    expect(sent).toMatchObject({ SendCommand: 1, ListCommands: 3 });
  });

  it('sends only to those hosts to which that one has sent nothing', async () => {
    const { starts, open, body } = await heldScript();
    let refused = false;
    const refuse = () => {
      refused = true;
      throw new AwsError('ThrottlingException', 'too many');
    };
    await serveCounting(
      body,
      ({ 'AmazonSSM.SendCommand': send }) => ({
        'AmazonSSM.SendCommand': (request) =>
          Object(request).InstanceIds[0] === OTHER_HOST && !refused ? refuse() : send?.(request),
      }),
      BOTH,
    );
    const phase = phaseOf([on(HOST, 'a'), on(OTHER_HOST, 'b')]);
    // One is known to run, so that it is asked again for that reason.
    await expect(runOnHosts(phase, { ...PATIENT, endMs: 400 })).rejects.toThrow('has not ended on m1.');
    writeFileSync(open, '');
    expect(await runOnHosts(again(phase), PATIENT)).toMatchObject({ failed: '' });
    expect(linesIn(starts).toSorted()).toEqual(['a', 'b']);
  });

  it('takes nothing for its own that belongs to another phase', async () => {
    const sent = await serveCounting(SUCCEED);
    const phase = phaseOf();
    await runOnHosts(phase, PATIENT);
    await runOnHosts({ ...phase, visit: new Date(Date.parse(phase.visit) + 1).toISOString() }, PATIENT);
    expect(sent).toMatchObject({ SendCommand: 2 });
  });
});

describe('a host that is away', () => {
  /** A way to a host that is refused so often. */
  async function refusing(times: number) {
    const folder = await temporaryFolder();
    const count = `n=$(ls ${folder} | wc -l); touch ${folder}/$n; [ $n -ge ${times} ] || exit 255; exec sh`;
    return { [HOST]: { exec: ['bash', '-c', count] }, [OTHER_HOST]: { exec: ['bash'] } };
  }
  const believed = () => ({ 'AmazonSSM.DescribeInstanceInformation': online });

  it('for a moment is sent the command as soon as it is back', async () => {
    const sent = await serveCounting(SUCCEED, undefined, await refusing(2));
    expect(await runOnHosts(phaseOf(), PATIENT)).toMatchObject({ failed: '' });
    expect(sent).toMatchObject({ DescribeInstanceInformation: 3, SendCommand: 1 });
  });

  it('for longer is reported, with nothing sent, and the others have done their work', async () => {
    const sent = await serveCounting(SUCCEED, undefined, await refusing(9));
    const { reports } = await runOnHosts(phaseOf([on(HOST), on(OTHER_HOST)]), PATIENT);
    expect(reports).toMatchObject([
      { member: 'm1', error: 'HostUnreachable' },
      { member: 'm2', error: '' },
    ]);
    expect(reports[0]?.problem).toMatch(/^Not every host is reached:\n- i-\w+: exit status 255/);
    expect(sent).toMatchObject({ SendCommand: 1 });
  });

  it('when the command is on its way to it is sent it again, for it is sure that it did not run', async () => {
    const sent = await serveCounting(SUCCEED, believed, await refusing(2));
    expect(await runOnHosts(phaseOf(), PATIENT)).toMatchObject({ failed: '', reports: [{ result: STOPPED }] });
    expect(sent).toMatchObject({ SendCommand: 3 });
  });

  it('is sent it three times at most, by all calls together', async () => {
    const sent = await serveCounting(SUCCEED, believed, await refusing(9));
    const phase = phaseOf();
    // Its call has no time for another try.
    const hurried = { ...PATIENT, endMs: 2_000, awayMs: [60_000, 60_000] };
    await expect(runOnHosts(phase, hurried)).rejects.toThrow(HostCommandRunning);
    expect(sent).toMatchObject({ SendCommand: 1 });
    const { reports } = await runOnHosts(again(phase), PATIENT);
    expect(reports).toMatchObject([
      { error: 'HostUnreachable', problem: expect.stringMatching(/Undeliverable.*did not run/) },
    ]);
    expect(sent).toMatchObject({ SendCommand: 3 });
    expect(await runOnHosts(again(phase), PATIENT)).toMatchObject({ failed: 'HostUnreachable' });
    expect(sent).toMatchObject({ SendCommand: 3 });
  });
});

describe('SSM that does not answer for one host', () => {
  it('is told once the others have ended', async () => {
    const { open, starts, body } = await heldScript();
    await serveCounting(
      `[ $unit = b ] && sleep 0.3; ${body}`,
      (operations) => ({
        'AmazonSSM.GetCommandInvocation': (request) => {
          if (request.InstanceId === HOST) throw new AwsError('InternalServerError', 'no');
          return operations['AmazonSSM.GetCommandInvocation']?.(request);
        },
      }),
      BOTH,
    );
    const phase = phaseOf([on(HOST, 'a'), on(OTHER_HOST, 'b')]);
    await expect(runOnHosts(phase, { ...PATIENT, endMs: 500 })).rejects.toThrow('has not ended on m2.');
    writeFileSync(open, '');
    await expect(runOnHosts(again(phase), PATIENT)).rejects.toMatchObject({ name: 'AwsUnavailable' });
    expect(linesIn(starts).toSorted()).toEqual(['a', 'b']);
  });

  it('is told also where others have had to wait for it', async () => {
    await serveCounting(SUCCEED, () => ({
      'AmazonSSM.SendCommand': () => {
        throw new AwsError('ThrottlingException', 'too many');
      },
    }));
    const phase = { ...phaseOf([on(HOST, 'a'), on(HOST, 'b')]), atOnce: 1 };
    await expect(runOnHosts(phase, PATIENT)).rejects.toMatchObject({ name: 'AwsUnavailable' });
  });
});

/** What SSM says of a host, each time that it is asked, and of the command there; the last holds on. */
interface Scene {
  pings: string[];
  status: string;
  sentMinutesAgo: number;
}

/** Every host runs one command that was sent before. */
async function askAfter(scenes: Record<string, Scene>) {
  const asked = new Map<string, number>();
  const cancelled: string[] = [];
  const marks = new Map<string, string>();
  const sceneOf = (host: unknown) => scenes[String(host)] as Scene;
  const ping: Operation = ({ Filters }) => {
    const [{ Values }] = Filters as [{ Values: [string] }];
    const [InstanceId] = Values;
    const count = asked.get(InstanceId) ?? 0;
    asked.set(InstanceId, count + 1);
    const { pings } = sceneOf(InstanceId);
    return { InstanceInformationList: [{ InstanceId, PingStatus: pings[Math.min(count, pings.length - 1)] }] };
  };
  const { commands, ...phase } = phaseOf(Object.keys(scenes).map((host) => on(host, 'etcd', host)));
  // By its mark, which is learned from what would be sent.
  await serve({
    'AmazonSSM.DescribeInstanceInformation': online,
    'AmazonSSM.ListCommands': () => ({ Commands: [] }),
    'AmazonSSM.SendCommand': ({ InstanceIds, Comment }) => {
      const [host = ''] = InstanceIds as string[];
      marks.set(host, String(Comment));
      return { Command: { CommandId: host } };
    },
    'AmazonSSM.GetCommandInvocation': () => ({ Status: 'InProgress' }),
  });
  await expect(runOnHosts({ ...phase, commands }, HASTY)).rejects.toThrow(HostCommandRunning);
  await serve({
    'AmazonSSM.DescribeInstanceInformation': ping,
    'AmazonSSM.ListCommands': () => ({
      Commands: [...marks].map(([host, Comment]) => ({
        CommandId: host,
        Comment,
        RequestedDateTime: Date.now() / 1000 - sceneOf(host).sentMinutesAgo * 60,
      })),
    }),
    'AmazonSSM.GetCommandInvocation': ({ InstanceId }) => {
      const { status } = sceneOf(InstanceId);
      const StandardOutputContent = '{"activeState":"active","subState":"running","mainPid":7}\n';
      return { Status: status, StatusDetails: status, StandardOutputContent };
    },
    'AmazonSSM.CancelCommand': ({ InstanceIds }) => {
      const [host = ''] = InstanceIds as string[];
      cancelled.push(host);
      throw new AwsError('InvalidCommandId', 'it has ended');
    },
  });
  const ends = await Promise.all(
    commands.map(async (command) => {
      const end = await runOnHosts({ ...phase, commands: [command] }, HASTY).then(
        ({ reports: [report] }) => (report?.error ? `${report.error}: ${report.problem}` : 'Done'),
        ({ name }: Error) => name,
      );
      return [command.host, end] as const;
    }),
  );
  return { ends: Object.fromEntries(ends), asked: Object.fromEntries(asked), cancelled };
}

const WENT_AWAY =
  /^HostUnreachable: i-[\w-]+, control-service: the host went away while the command ran: .* nobody knows how far it came/;

it('a command that runs for long is given up where its host went away, and only there', async () => {
  const { ends, asked, cancelled } = await askAfter({
    'i-gone': { pings: ['ConnectionLost'], status: 'InProgress', sentMinutesAgo: 4 },
    'i-restarted': { pings: ['ConnectionLost', 'Online'], status: 'InProgress', sentMinutesAgo: 4 },
    'i-there': { pings: ['Online'], status: 'InProgress', sentMinutesAgo: 4 },
    'i-young': { pings: ['ConnectionLost'], status: 'InProgress', sentMinutesAgo: 2 },
    'i-done': { pings: ['ConnectionLost'], status: 'Success', sentMinutesAgo: 4 },
    'i-given-up': { pings: ['ConnectionLost'], status: 'Cancelled', sentMinutesAgo: 4 },
    'i-cancelled': { pings: ['Online'], status: 'Cancelled', sentMinutesAgo: 4 },
    'i-failed': { pings: ['ConnectionLost'], status: 'Failed', sentMinutesAgo: 4 },
    'i-endless': { pings: ['Online'], status: 'InProgress', sentMinutesAgo: 300 },
  });
  expect(ends).toEqual({
    'i-gone': expect.stringMatching(WENT_AWAY),
    'i-restarted': 'HostCommandRunning',
    'i-there': 'HostCommandRunning',
    'i-young': 'HostCommandRunning',
    'i-done': 'Done',
    // An earlier call has cancelled it, and its answer was lost.
    'i-given-up': expect.stringMatching(WENT_AWAY),
    'i-cancelled': expect.stringMatching(/^HostCommandFailed: .*: it was cancelled/),
    'i-failed': expect.stringMatching(/^HostCommandFailed: .*Failed/),
    // Its cancel was refused.
    'i-endless': expect.stringMatching(/^HostCommandFailed: .*cancelling i-endless: SSM refused it/),
  });
  expect(asked).toEqual({
    ...{ 'i-gone': 2, 'i-restarted': 2, 'i-there': 1, 'i-done': 1, 'i-given-up': 1, 'i-cancelled': 1, 'i-failed': 1 },
    'i-endless': 1,
  });
  // The refusal of the first changes nothing.
  expect(cancelled.toSorted()).toEqual(['i-endless', 'i-gone']);
});
