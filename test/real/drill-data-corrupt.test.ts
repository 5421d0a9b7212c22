import { expect, it } from 'vitest';
import { type DrillScene, needs, optionsOf, passDrill } from './drill.ts';

it.for<DrillScene>([
  { hosts: 'process', etcd: '3.6.16', members: 3, options: [] },
  { hosts: 'process', etcd: '3.5.35', members: 5, options: ['--tls', '--auth'] },
  { hosts: 'process', etcd: '3.7.3', members: 3, options: [] },
])(
  'the drill data-corrupt replaces what differs of $members members on $hosts hosts with etcd $etcd ($options) and loses nothing',
  async (scene, test) => {
    await needs(scene, test);
    const { etcd, members } = scene;
    const result = await passDrill('data-corrupt', ...optionsOf(scene));
    expect(result).toMatchObject({
      scenario: 'data-corrupt',
      etcd,
      outcome: 'Remediated',
      incident: 'data-corrupt',
      runbook: 'member-repair',
      lostWrites: 0,
    });
    for (const { replaced, idBefore, idAfter } of result.members) {
      expect(idAfter !== idBefore).toBe(replaced);
    }
    expect(result.members.filter(({ replaced }) => replaced)).toHaveLength(members === 5 ? 2 : 1);
  },
);
