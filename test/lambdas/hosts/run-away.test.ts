import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { clientTokenOf } from '../../../lambdas/hosts/commands.ts';
import { HostCommandRunning, runOnHosts } from '../../../lambdas/hosts/run.ts';
import { AwsError } from '../../../local/aws/aws-error.ts';
import type { Operation } from '../../../local/aws/iam.ts';
import { again, BOTH, HASTY, heldScript, on, online, PATIENT, phaseOf, STOPPED, serveCounting } from './phases.ts';
import { HOST, linesIn, OTHER_HOST, SUCCEED, serve, temporaryFolder } from './support.ts';

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

  it('is sent it again for as long as its agent may take to be started again', async () => {
    const sent = await serveCounting(SUCCEED, believed, await refusing(9));
    const patient = { ...PATIENT, awayMs: [0, 0, 100], restartMs: 60_000 };
    expect(await runOnHosts(phaseOf(), patient)).toMatchObject({ failed: '', reports: [{ result: STOPPED }] });
    expect(sent).toMatchObject({ SendCommand: 10 });
  });

  it('is sent it three times at most once that time is over, by all calls together', async () => {
    const sent = await serveCounting(SUCCEED, believed, await refusing(9));
    const phase = phaseOf();
    // Its call has no time for another try.
    const hurried = { ...PATIENT, endMs: 2_000, awayMs: [60_000, 60_000] };
    await expect(runOnHosts(phase, hurried)).rejects.toThrow(HostCommandRunning);
    expect(sent).toMatchObject({ SendCommand: 1 });
    const { reports } = await runOnHosts(again(phase), PATIENT);
    expect(reports).toMatchObject([
      {
        error: 'HostUnreachable',
        problem: expect.stringMatching(/not reached, and the command did not run: exit status 255/),
      },
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
  // By its client token, which is learned from what would be sent.
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
    // What was deployed is older, so no host can be asked for a command.
    'AmazonSSM.SendCommand': () => {
      throw new AwsError('InvalidDocument', 'no');
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
  /^HostUnreachable: i-[\w-]+, control-service: the host went away while the command ran\. .*How far it came is unknown: .*\. SSM does not reach/;

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
    'i-failed': expect.stringMatching(/^HostCommandFailed: .*did not report its end/),
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

describe('a command whose script did not tell its end', () => {
  const LOST = { Status: 'Failed', StatusDetails: 'Failed', ResponseCode: 1 };
  const AGENT = 'write /var/lib/amazon/ssm/channels: no space left on device';

  interface LostScene {
    ended?: object;
    found?: object | 'refused';
    sentMinutesAgo?: number;
  }

  /** Run Command, of which the agent says so; asked for the command, its host answers so. */
  async function askOnce(
    { ended = LOST, found, sentMinutesAgo = 0 }: LostScene,
    { onceMore = false, patience = HASTY } = {},
  ) {
    const sent: string[] = [];
    const phase = { ...phaseOf(), onceMore };
    const RequestedDateTime = Date.now() / 1000 - sentMinutesAgo * 60;
    const [Comment] = phase.commands.map((each) => clientTokenOf(phase, each));
    await serve({
      'AmazonSSM.DescribeInstanceInformation': online,
      'AmazonSSM.ListCommands': () => ({ Commands: [{ CommandId: 'earlier', Comment, RequestedDateTime }] }),
      'AmazonSSM.SendCommand': ({ DocumentName }) => {
        const name = String(DocumentName).replace('etcd-remediation-', '');
        if (name === 'find-command' && found === 'refused') throw new AwsError('InvalidDocument', 'no');
        sent.push(name);
        return { Command: { CommandId: name } };
      },
      'AmazonSSM.GetCommandInvocation': ({ CommandId }) => {
        if (CommandId !== 'find-command') return ended;
        return found ? { Status: 'Success', StandardOutputContent: JSON.stringify(found) } : LOST;
      },
      'AmazonSSM.ListCommandInvocations': () => ({ CommandInvocations: [{ CommandPlugins: [{ Output: AGENT }] }] }),
    });
    const end = await runOnHosts(phase, patience).then(
      ({ reports: [report] }) => `${report?.error}: ${report?.problem}`,
      ({ name }: Error) => name,
    );
    return { end, sent };
  }

  it.each<[string, LostScene, RegExp]>([
    ['runs no more', { found: { running: false, upSeconds: 9 } }, /^HostCommandFailed: .*Nothing of it runs/s],
    ['still runs', { found: { running: true, upSeconds: 9 } }, /^HostCommandRunning$/],
    ['is not known of', {}, /^HostCommandRunning$/],
    [
      'still runs past its limit',
      { found: { running: true, upSeconds: 9 }, sentMinutesAgo: 8 },
      /It still runs on the host/,
    ],
    ['is not known of past its limit', { sentMinutesAgo: 8 }, /Whether it still runs .*is unknown/],
    ['cannot be asked for', { found: 'refused' }, /Whether it still runs .*is unknown/],
  ])('is ended only once it is known, or its time is over: it %s', async (_, scene, expected) => {
    const { end, sent } = await askOnce(scene);
    expect(end).toMatch(expected);
    if (end.startsWith('HostCommandFailed')) expect(end).toContain(`SSM Agent says: ${AGENT}`);
    expect(sent).toEqual(scene.found === 'refused' ? [] : ['find-command']);
  });

  it.each<[string, LostScene, number]>([
    ['runs no more', { found: { running: false, upSeconds: 9 } }, 1],
    ['still runs past its limit', { found: { running: true, upSeconds: 9 }, sentMinutesAgo: 8 }, 0],
    ['cannot be asked for', { found: 'refused' }, 0],
    ['was cancelled', { ended: { Status: 'Cancelled', StatusDetails: 'Cancelled' } }, 0],
  ])(
    'is sent once more only where nothing of it can run beside that, and nobody has ended it: it %s',
    async (_, scene, times) => {
      const { end, sent } = await askOnce(scene, { onceMore: true, patience: PATIENT });
      expect(end).toMatch(/^HostCommandFailed/);
      expect(sent.filter((name) => name === 'control-service')).toHaveLength(times);
    },
  );
});

it('a command that runs for long is given up where its host was started since, and nothing of it runs there', async () => {
  const up = (running: boolean, upSeconds: number) => ({ running, upSeconds });
  const sentAt = Date.now() - 5 * 60_000;
  const cancelled: unknown[] = [];
  const marks = new Map<string, string>();
  const found: Record<string, object> = {
    'i-rebooted': up(false, 60),
    // It went down as soon as it had the command.
    'i-rebooted-at-once': up(false, 290),
    'i-runs-again': up(true, 60),
    'i-waits': up(false, 86_400),
  };
  const operations: Record<string, Operation> = {
    'AmazonSSM.DescribeInstanceInformation': online,
    'AmazonSSM.ListCommands': () => ({
      Commands: [...marks].map(([CommandId, Comment]) => ({ CommandId, Comment, RequestedDateTime: sentAt / 1000 })),
    }),
    'AmazonSSM.SendCommand': ({ InstanceIds, Comment, DocumentName }) => {
      const [host = ''] = InstanceIds as string[];
      if (String(DocumentName).endsWith('find-command')) return { Command: { CommandId: `find ${host}` } };
      marks.set(host, String(Comment));
      return { Command: { CommandId: host } };
    },
    'AmazonSSM.GetCommandInvocation': ({ CommandId, InstanceId }) =>
      String(CommandId).startsWith('find')
        ? { Status: 'Success', StandardOutputContent: JSON.stringify(found[String(InstanceId)]) }
        : { Status: 'InProgress' },
    'AmazonSSM.CancelCommand': ({ CommandId }) => {
      cancelled.push(CommandId);
      return {};
    },
  };
  await serve(operations);
  const phase = phaseOf(Object.keys(found).map((host) => on(host, 'etcd', host)));
  await expect(runOnHosts(phase, HASTY)).rejects.toThrow(HostCommandRunning);
  await expect(runOnHosts(again(phase), HASTY)).rejects.toThrow('has not ended on i-runs-again, i-waits.');
  expect(cancelled.toSorted()).toEqual(['i-rebooted', 'i-rebooted-at-once']);
  const { reports } = await runOnHosts({ ...phase, commands: phase.commands.slice(0, 1), attempt: 1 }, HASTY);
  expect(reports).toMatchObject([
    {
      error: 'HostCommandFailed',
      problem: expect.stringMatching(/restarted 60 s ago, while the command ran, and nothing/),
    },
  ]);
});
