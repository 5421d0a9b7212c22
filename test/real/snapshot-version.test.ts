import { dirname } from 'node:path';
import { expect, it } from 'vitest';
import { findEtcd } from '../../local/etcd/binaries.ts';
import { ObjectServer, object } from '../documents/object-server.ts';
import { PreparedHost } from '../documents/prepared-host.ts';
import { takeSnapshot } from '../documents/recovery-host.ts';
import { succeed } from '../documents/script.ts';
import { requireEtcd } from '../run/require-etcd.ts';

it('a backup tells the release whose storage it is to a host with an older etcd', async (test) => {
  await requireEtcd('3.7.3', test);
  const { saved } = await takeSnapshot('3.7.3');
  const binDir = dirname((await findEtcd('3.6.16')).etcd);
  using host = new PreparedHost();
  await using server = await ObjectServer.start(object(saved));
  const parameters = {
    dataDir: host.path('data'),
    binDir,
    keep: 'no',
    compressor: 'gzip',
    execution: 'run-1',
    sha256: '',
    url: server.url('orders.db'),
  };
  expect(await succeed(host.access, 'fetch-backup', parameters)).toMatchObject({ version: '3.7.0', hasHash: true });
});
