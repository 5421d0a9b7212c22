import { expect, it } from 'vitest';
import { handler } from '../../../lambdas/steps/send-backup.ts';
import { HOST, serve } from '../hosts/support.ts';

it('sends nothing more of a backup that has been sent for five hours, so that its copy is removed', async () => {
  await serve({});
  const part = {
    ...{ member: 'm1', host: HOST, parameters: { dataDir: '/var/lib/etcd', execution: 'run-1', source: 'data' } },
    object: { bucket: 'backups', key: 'k', uploadId: 'u', partNumber: 1 },
  };
  const phase = { cluster: 'orders', command: 'send-snapshot', commands: [part], atOnce: 1, execution: 'run-1' };
  const visit = new Date(Date.now() - 5 * 3_600_000 - 1_000).toISOString();
  await expect(handler({ ...phase, visit, attempt: 200 })).rejects.toMatchObject({
    name: 'PreconditionFailed',
    message: expect.stringContaining('for 5 hours'),
  });
});
