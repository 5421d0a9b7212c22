import { join } from 'node:path';
import { CancelCommandCommand, SSMClient } from '@aws-sdk/client-ssm';
import { describe, expect, it } from 'vitest';
import { HOST, isRunning, OTHER_HOST, serveControlService, temporaryFolder } from '../../lambdas/hosts/support.ts';
import { BOTH, ended, get, pidIn, send } from './sent-commands.ts';

describe('a cancelled command', () => {
  it('is killed on the hosts that are named, and runs on elsewhere', async () => {
    await serveControlService('sleep 45', BOTH);
    const [first, second] = [await send(), await send({ InstanceIds: [HOST, OTHER_HOST] })];
    const cancel = new CancelCommandCommand({ CommandId: second, InstanceIds: [HOST] });
    expect(await new SSMClient({}).send(cancel)).toMatchObject({ $metadata: { httpStatusCode: 200 } });
    expect(await ended(second)).toMatchObject({
      Status: 'Cancelled',
      StatusDetails: 'Cancelled',
      StandardOutputContent: '',
    });
    for (const [id, host] of [
      [first, HOST],
      [second, OTHER_HOST],
    ] as const) {
      expect(['Pending', 'InProgress']).toContain((await get(id, host)).Status);
    }
  });

  it('on a host that does not answer was never delivered', async () => {
    await serveControlService('echo never', { [HOST]: { exec: ['sleep', '60'] } });
    const id = await send();
    expect(await get(id)).toMatchObject({ Status: 'Pending' });
    await new SSMClient({}).send(new CancelCommandCommand({ CommandId: id }));
    expect(await ended(id)).toMatchObject({ Status: 'Cancelled', ResponseCode: -1 });
  });

  it('that has ended stays as it ended', async () => {
    await serveControlService('echo done');
    const id = await send();
    await ended(id);
    await new SSMClient({}).send(new CancelCommandCommand({ CommandId: id }));
    expect(await get(id)).toMatchObject({ Status: 'Success', StandardOutputContent: 'done\n' });
  });

  it('is every one that still runs when Run Command is closed', async () => {
    const pidFile = join(await temporaryFolder(), 'pid');
    const local = await serveControlService(`echo $$ > ${pidFile}; sleep 45`);
    const id = await send();
    const pid = await pidIn(pidFile);
    await local.close();
    expect(await get(id)).toMatchObject({ Status: 'Cancelled' });
    await expect.poll(() => isRunning(pid)).toBe(false);
  });
});
