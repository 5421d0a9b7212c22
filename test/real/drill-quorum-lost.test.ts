import { expect, it } from 'vitest';
import { type DrillScene, needs, optionsOf, passDrill } from './drill.ts';

it.for<DrillScene & { damage: string }>([
  { damage: 'wal', hosts: 'process', etcd: '3.5.30', members: 5, options: ['--auth'] },
  { damage: 'killed', hosts: 'systemd', etcd: '3.4.23', members: 3, options: ['--tls', '--auth'] },
])(
  'the drill quorum-lost, $damage, brings $members members back on $hosts hosts with etcd $etcd ($options) and loses what it says',
  async ({ damage, ...scene }, test) => {
    await needs(scene, test);
    const { etcd, members } = scene;
    const result = await passDrill('quorum-lost', '--damage', damage, ...optionsOf(scene));
    expect(result).toMatchObject({
      scenario: 'quorum-lost',
      damage,
      etcd,
      outcome: 'Remediated',
      incident: 'quorum-lost',
      runbook: 'quorum-recovery',
    });
    expect(result.members).toHaveLength(members);
    // With new IDs, an old member that comes back cannot meddle.
    for (const { idBefore, idAfter } of result.members) expect(idAfter).not.toBe(idBefore);
    expect(result.keptRevision).toMatch(/^\d+$/);
    expect(result.timeToFirstWriteMs).toBeGreaterThan(0);
    expect(result.timeToFirstWriteMs).toBeLessThan(result.remediateMs + 10_000);
  },
);
