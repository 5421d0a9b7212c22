import { expect, it } from 'vitest';
import { type DrillScene, needs, optionsOf, passDrill } from './drill.ts';

it.for<DrillScene>([
  { hosts: 'process', etcd: '3.3.25', members: 3, options: [] },
  { hosts: 'systemd', etcd: '3.3.25', members: 5, options: ['--strategy', 'toggle', '--tls'] },
])(
  'the drill auth-token-invalid lets members take tokens again on $hosts hosts, $members of etcd $etcd ($options), and loses nothing',
  async (scene, test) => {
    await needs(scene, test);
    const { etcd, members, options } = scene;
    const result = await passDrill('auth-token-invalid', ...optionsOf(scene));
    const isToggle = options.includes('toggle');
    expect(result).toMatchObject({
      scenario: 'auth-token-invalid',
      etcd,
      outcome: 'Remediated',
      incident: 'auth-token-invalid',
      runbook: 'auth-token-reset',
      lostWrites: 0,
    });
    expect(Number(result.windowMs) > 0).toBe(isToggle);
    // Without a client certificate nobody comes as far as to be asked for a login.
    if (!isToggle || options.includes('--tls')) expect(result.anonymousRequests).toBe(0);
    const rejecting = result.members.filter(({ rejectedTokens }) => rejectedTokens);
    expect(rejecting).toHaveLength(members === 5 ? 2 : 1);
    expect(result.members.filter(({ restarted }) => restarted)).toHaveLength(isToggle ? 0 : rejecting.length);
  },
);
