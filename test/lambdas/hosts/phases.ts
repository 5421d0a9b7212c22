import { join } from 'node:path';
import type { HostCommandName } from '../../../core/hosts/host-commands.ts';
import type { Operation } from '../../../local/aws/iam.ts';
import { WAIT_MS } from '../../run/patience.ts';
import {
  HERE,
  HOST,
  OTHER_HOST,
  STOP_ETCD,
  SUCCEED,
  serve,
  serveControlService,
  temporaryFolder,
  until,
} from './support.ts';

export const BOTH = { ...HERE, [OTHER_HOST]: { exec: ['bash'] } };
/** Waits for as long as it takes, and for nothing else. */
export const PATIENT = { endMs: WAIT_MS, listedMs: 0, awayMs: [0, 0], restartMs: 0, lookMs: 1_000 };
/** Looks once. */
export const HASTY = { ...PATIENT, endMs: 0 };
export const STOPPED = { activeState: 'active', subState: 'stop', mainPid: 7 };

export const on = (host: string, unit = 'etcd', member = host === HOST ? 'm1' : 'm2') => ({
  ...{ member, host, parameters: { ...STOP_ETCD, unit } },
});

export function phaseOf(commands = [on(HOST)]) {
  const command: HostCommandName = 'control-service';
  const asked = { execution: 'run-1', visit: new Date().toISOString(), attempt: 0 };
  return { cluster: 'orders', access: 'commands' as const, command, commands, ...asked };
}

/** The same phase, asked once more. */
export function again(phase: ReturnType<typeof phaseOf>) {
  return { ...phase, attempt: phase.attempt + 1 };
}

/** Run Command, which counts what is sent; `more` take the place of its operations. */
export async function serveCounting(
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
export const online: Operation = ({ Filters }) => {
  const [{ Values }] = Filters as [{ Values: string[] }];
  return { InstanceInformationList: Values.map((InstanceId) => ({ InstanceId, PingStatus: 'Online' })) };
};

/** A script that writes a line when it begins, and runs until a file is there. */
export async function heldScript() {
  const folder = await temporaryFolder();
  const [starts, open] = [join(folder, 'starts'), join(folder, 'open')];
  return { starts, open, body: `echo $unit >> ${starts}; ${until(open)}; ${SUCCEED}` };
}
