import { expect, it } from 'vitest';
import type { StoreAnalysis } from '../../core/space-reclaim/store-analysis.ts';
import { type DrillScene, needs, passDrill } from './drill.ts';

it.for<Pick<DrillScene, 'etcd' | 'members' | 'options'>>([
  { etcd: '3.4.23', members: 1, options: [] },
  { etcd: '3.5.35', members: 3, options: ['--tls', '--auth'] },
  { etcd: '3.6.16', members: 1, options: [] },
  { etcd: '3.7.3', members: 3, options: [] },
])(
  'the drill analyze counts every key of $members members of etcd $etcd ($options) as it was written',
  async ({ etcd, members, options }, test) => {
    await needs({ hosts: 'process', etcd }, test);
    const result = await passDrill('analyze', '--etcd', etcd, '--members', String(members), ...options);
    expect(result).toMatchObject({ scenario: 'analyze', etcd, outcome: 'Remediated', lostWrites: 0 });
    const { full, after } = result.analyses as Record<'full' | 'after', StoreAnalysis>;
    expect(full).toMatchObject({ isWhole: true, compactRevision: '0' });
    expect(full.total.revisionBytes).toBeLessThan(full.dbSizeBytes);
    expect(Number(after.compactRevision)).toBeGreaterThan(0);
  },
);
