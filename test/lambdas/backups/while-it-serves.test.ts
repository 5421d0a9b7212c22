import { once } from 'node:events';
import { expect, it } from 'vitest';
import { whileItServes } from '../../../lambdas/backups/while-it-serves.ts';
import type { EtcdMember } from '../../../lambdas/etcd/member.ts';

const MIB = 1024 * 1024;

it('a backup ends before the database, which grows meanwhile, comes to its quota', async () => {
  const sizes = [600, 700, 950];
  const member = {
    name: 'm1',
    probe: async () => undefined,
    status: async () => ({ dbSizeBytes: (sizes.shift() ?? 950) * MIB, quotaBytes: 1000 * MIB }),
  } as unknown as EtcdMember;
  const running = whileItServes(member, async (signal) => {
    await once(signal, 'abort', { signal: AbortSignal.timeout(20_000) });
    throw new Error('cancelled');
  });
  await expect(running).rejects.toMatchObject({
    name: 'PreconditionFailed',
    message: expect.stringMatching(/m1 grew by 350\.0 MiB.*50\.0 MiB are left to its quota.*gave way/),
  });
  expect(sizes).toEqual([]);
});
