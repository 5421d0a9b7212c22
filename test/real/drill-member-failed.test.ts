import { expect, it } from 'vitest';
import { type DrillScene, needs, optionsOf, passDrill } from './drill.ts';

it.for<DrillScene>([
  { hosts: 'process', etcd: '3.6.16', members: 3, options: [] },
  { hosts: 'systemd', etcd: '3.5.30', members: 5, options: ['--tls', '--auth'] },
])(
  'the drill member-failed replaces what fails of $members members on $hosts hosts with etcd $etcd ($options) and loses nothing',
  async (scene, test) => {
    await needs(scene, test);
    const { etcd, members } = scene;
    const result = await passDrill('member-failed', ...optionsOf(scene));
    expect(result).toMatchObject({
      scenario: 'member-failed',
      etcd,
      outcome: 'Remediated',
      incident: 'member-failed',
      runbook: 'member-replacement',
      lostWrites: 0,
    });
    for (const { replaced, idBefore, idAfter } of result.members) {
      expect(idAfter !== idBefore).toBe(replaced);
    }
    expect(result.members.filter(({ replaced }) => replaced)).toHaveLength(members === 5 ? 2 : 1);
  },
);
