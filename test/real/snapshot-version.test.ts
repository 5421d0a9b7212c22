import { dirname } from 'node:path';
import { expect } from 'vitest';
import { findEtcd } from '../../local/etcd/binaries.ts';
import { ObjectServer, object } from '../documents/object-server.ts';
import { PreparedHost } from '../documents/prepared-host.ts';
import { takeSnapshot } from '../documents/recovery-host.ts';
import { succeed } from '../documents/script.ts';
import { itWithEtcd } from './releases.ts';

const itWithEtcd37 = await itWithEtcd('3.7.3');

itWithEtcd37('a backup tells the release whose storage it is to a host with an older etcd', async () => {
  const { saved } = await takeSnapshot('3.7.3');
  const binDir = dirname((await findEtcd('3.6.16')).etcd);
  using host = new PreparedHost();
  await using server = await ObjectServer.start(object(saved));
  const parameters = {
    dataDir: host.path('data'),
    binDir,
    keep: 'no',
    execution: 'run-1',
    url: server.url('orders.db'),
  };
  expect(await succeed(host.access, 'examine-snapshot', parameters)).toMatchObject({ version: '3.7.0', hasHash: true });
});
