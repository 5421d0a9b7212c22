import { expect, it } from 'vitest';
import { runOnHost } from '../../../lambdas/hosts/run.ts';
import { AwsError, type Operation } from '../../../local/aws/endpoint.ts';
import { serve } from './support.ts';

const MINUTE_MS = 60_000;

/** What SSM says of a host, each time that it is asked, and of the command there; the last holds on. */
interface Scene {
  pings: string[];
  status: string;
  sentMinutesAgo: number;
}

/** Every host runs one command, whose ID is the host's name. All are asked at the same moment, for each is waited for. */
async function askAfter(scenes: Record<string, Scene>) {
  const asked = new Map<string, number>();
  const cancelled: string[] = [];
  const sceneOf = (host: unknown) => scenes[String(host)] as Scene;
  const ping: Operation = ({ Filters }) => {
    const [{ Values }] = Filters as [{ Values: [string] }];
    const [InstanceId] = Values;
    const count = asked.get(InstanceId) ?? 0;
    asked.set(InstanceId, count + 1);
    const { pings } = sceneOf(InstanceId);
    return { InstanceInformationList: [{ InstanceId, PingStatus: pings[Math.min(count, pings.length - 1)] }] };
  };
  await serve({
    'AmazonSSM.DescribeInstanceInformation': ping,
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
  const ends = Object.entries(scenes).map(async ([host, { sentMinutesAgo }]) => {
    const sent = { commandId: host, sentAt: Date.now() - sentMinutesAgo * MINUTE_MS, execution: 'run-1' };
    const parameters = { unit: 'etcd', action: 'stop' };
    const end = await runOnHost({ host, command: 'control-service', parameters, ...sent }).then(
      ({ status }) => status,
      String,
    );
    return [host, end] as const;
  });
  return { ends: Object.fromEntries(await Promise.all(ends)), asked: Object.fromEntries(asked), cancelled };
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
  });
  expect(ends).toEqual({
    'i-gone': expect.stringMatching(WENT_AWAY),
    'i-restarted': 'InProgress',
    'i-there': 'InProgress',
    'i-young': 'InProgress',
    'i-done': 'Done',
    // The step is run again after the first of these errors, and finds what it has done itself.
    'i-given-up': expect.stringMatching(WENT_AWAY),
    'i-cancelled': expect.stringMatching(/^HostCommandFailed: .*: it was cancelled/),
    'i-failed': expect.stringMatching(/^HostCommandFailed: .*Failed/),
  });
  expect(asked).toEqual({
    'i-gone': 2,
    'i-restarted': 2,
    'i-there': 1,
    'i-done': 1,
    'i-given-up': 1,
    'i-cancelled': 1,
    'i-failed': 1,
  });
  // Its cancel was refused, which changes nothing.
  expect(cancelled).toEqual(['i-gone']);
});
