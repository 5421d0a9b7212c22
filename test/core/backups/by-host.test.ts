import { describe, expect, it } from 'vitest';
import { partsOf } from '../../../core/backups/by-host.ts';
import type { Cluster } from '../../../core/cluster/clusters.ts';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

const CLUSTER: Cluster = {
  name: 'orders',
  members: [
    { name: 'm1', clientUrl: 'http://10.0.0.1:2379', peerUrl: 'http://10.0.0.1:2380', host: 'i-0a1b2c3d4e5f60001' },
  ],
  quotaBackendBytes: 1,
  layout: {
    unit: 'etcd',
    dataDir: '/var/lib/etcd',
    walDir: null,
    configFile: '/etc/etcd.yaml',
    user: 'etcd',
    group: 'etcd',
    binDir: '/usr/bin',
  },
};

function partsFor(sizeBytes: number) {
  const object = { bucket: 'b', key: 'k', uploadId: 'u' };
  return partsOf(CLUSTER, { member: 'm1', execution: 'run-1', sizeBytes, object });
}

describe('the parts of a backup that a host sends', () => {
  it.each([1, 128 * MIB, 128 * MIB + 1, 3 * GIB, 100 * GIB + 7])('are the whole of %i bytes, without a gap', (size) => {
    const parts = partsFor(size);
    let at = 0;
    for (const [index, { parameters, object }] of parts.entries()) {
      expect(object.partNumber).toBe(index + 1);
      expect(parameters).toMatchObject({ dataDir: '/var/lib/etcd', execution: 'run-1', source: 'data' });
      expect(parameters.offsetBytes).toBe(String(at));
      at += Number(parameters.lengthBytes);
      // S3 takes no smaller one but the last.
      if (index < parts.length - 1) expect(Number(parameters.lengthBytes)).toBeGreaterThanOrEqual(128 * MIB);
    }
    expect(at).toBe(size);
  });

  it('fit into what a state may hand on, however large it is', () => {
    for (const size of [8 * GIB, 100 * GIB, 1000 * GIB]) {
      expect(partsFor(size).length).toBeLessThanOrEqual(200);
      expect(JSON.stringify(partsFor(size)).length).toBeLessThan(150_000);
    }
  });
});
