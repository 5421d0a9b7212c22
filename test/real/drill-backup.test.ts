import { expect, it } from 'vitest';
import { type DrillScene, needs, optionsOf, passDrill } from './drill.ts';

it.for<DrillScene>([
  { hosts: 'process', etcd: '3.4.23', members: 3, options: [] },
  { hosts: 'process', etcd: '3.5.35', members: 3, options: ['--tls', '--auth'] },
  { hosts: 'process', etcd: '3.6.16', members: 3, options: ['--tls', '--auth'] },
  { hosts: 'process', etcd: '3.7.3', members: 3, options: [] },
  // Where systemd bounds what a rehearsal takes.
  { hosts: 'systemd', etcd: '3.5.16', members: 3, options: [] },
])(
  'the drill backup brings $members members back on $hosts hosts with etcd $etcd ($options) from a backup that nobody named',
  async (scene, test) => {
    await needs(scene, test);
    const result = await passDrill('backup', ...optionsOf(scene));
    expect(result).toMatchObject({
      scenario: 'backup',
      etcd: scene.etcd,
      outcome: 'Remediated',
      incident: 'quorum-lost',
      runbook: 'quorum-recovery',
    });
    expect(result.lostWrites).toBeGreaterThan(0);
    expect(result.backup).toMatchObject({ etcdVersion: scene.etcd });
    expect(result.rehearsal).toMatchObject({ etcdVersion: scene.etcd, tookMs: { start: expect.any(Number) } });
  },
);
