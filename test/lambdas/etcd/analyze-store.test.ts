import { afterEach, expect, it, vi } from 'vitest';
import { EtcdUnavailable } from '../../../core/errors.ts';
import { analyzeStore } from '../../../lambdas/etcd/analyze-store.ts';
import type { EtcdCluster } from '../../../lambdas/etcd/cluster.ts';
import { clusterIn, observation, voter } from '../../core/observations.ts';

afterEach(() => {
  vi.useRealTimers();
});

it.each([
  [1_000, ['node2', 'node3', 'node1']],
  [31_000, ['node2']],
])(
  'an analysis whose member breaks off after %d ms begins again with the others only while there is time',
  async (ms, expected) => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const observed = observation(['node1', 'node2', 'node3'].map((name) => voter(name)));
    const asked: string[] = [];
    const member = (name: string) => ({
      name,
      keyReader: () => ({
        count: async () => ({ keys: 1, revision: '5' }),
        compactRevision: async () => '0',
        page: async () => {
          asked.push(name);
          vi.setSystemTime(Date.now() + ms);
          throw new EtcdUnavailable(`${name} breaks off.`);
        },
        close: () => undefined,
      }),
    });
    const etcd = { observe: async () => observed, member } as unknown as EtcdCluster;
    const request = { seconds: 120, growthSeconds: 0, keys: false };
    await expect(analyzeStore(etcd, clusterIn(observed), request)).rejects.toThrow(EtcdUnavailable);
    expect(asked).toEqual(expected);
  },
);
