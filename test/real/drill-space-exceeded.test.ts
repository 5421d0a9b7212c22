import { expect, it } from 'vitest';
import { passDrill } from './drill.ts';

it('the drill space-exceeded brings a member with TLS and authentication on etcd 3.4 back and loses nothing', async () => {
  const options = ['--members', '1', '--tls', '--auth', '--etcd', '3.4'];
  const result = await passDrill('space-exceeded', '--size', '16', ...options);
  expect(result.stderr).toContain('etcd refuses writes');
  expect(result).toMatchObject({
    scenario: 'space-exceeded',
    outcome: 'Remediated',
    incident: 'space-exceeded',
    runbook: 'space-reclaim',
    lostWrites: 0,
  });
  expect(result.etcd).toBe('3.4.23');
  expect(result.members).toHaveLength(1);
  for (const { dbSizeBytesBefore, dbSizeBytesAfter } of result.members as Record<string, number>[]) {
    expect(dbSizeBytesAfter).toBeLessThan(dbSizeBytesBefore ?? 0);
  }
  for (const figure of ['detectMs', 'remediateMs', 'maxWriteStallMs', 'ackedWrites', 'stateTransitions'] as const) {
    expect(result[figure]).toBeGreaterThan(0);
  }
});
