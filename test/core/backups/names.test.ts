import { describe, expect, it } from 'vitest';
import { backupKeys, backupsAmong, isWhole } from '../../../core/backups/names.ts';
import type { Cluster } from '../../../core/cluster/clusters.ts';
import { configured } from '../observations.ts';

const CLUSTER: Cluster = {
  name: 'orders',
  members: [configured('node1')],
  quotaBackendBytes: 1,
  backups: { bucket: 'backups', prefix: 'etcd/', everyMinutes: 60 },
};
const [EARLIER, LATER] = ['2026-11-29T08:15:00.123Z', '2026-11-29T09:15:00.000Z'].map((at) => new Date(at)) as [
  Date,
  Date,
];

describe('the keys of a backup', () => {
  it('say whose it is, and when it was made', () => {
    expect(backupKeys(CLUSTER, EARLIER)).toEqual({
      name: 'orders-20261129T081500.123Z',
      snapshot: 'etcd/orders-20261129T081500.123Z.db.gz',
      record: 'etcd/orders-20261129T081500.123Z.json',
    });
  });

  it('are found again, the newest first, and without its record it is not whole', () => {
    const [earlier, later] = [backupKeys(CLUSTER, EARLIER), backupKeys(CLUSTER, LATER)];
    const found = backupsAmong(CLUSTER, [earlier.snapshot, earlier.record, later.snapshot]);
    expect(found.map(({ name, takenAtMs }) => [name, takenAtMs])).toEqual([
      [later.name, LATER.getTime()],
      [earlier.name, EARLIER.getTime()],
    ]);
    expect(found.map(isWhole)).toEqual([false, true]);
  });

  it.each([
    'etcd/orders-eu-20261129T081500.123Z.db.gz',
    'etcd/orders-20261129T081500.123Z.db.gz.old',
    'etcd/orders-20261129T081500Z.db.gz',
    'etcd/orders-99999999T999999.999Z.json',
    'orders-20261129T081500.123Z.json',
    'etcd/last-night.db',
  ])('are not those of somebody else: %s', (key) => {
    expect(backupsAmong(CLUSTER, [key])).toEqual([]);
  });
});
