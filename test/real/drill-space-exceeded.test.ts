import { expect, it } from 'vitest';
import { passDrill } from './drill.ts';

it.each([
  ['three members', [], 3],
  ['one member', ['--members', '1'], 1],
  ['TLS and authentication on etcd 3.4', ['--tls', '--auth', '--etcd', '3.4.23'], 3],
])('the drill space-exceeded brings %s back and loses nothing', async (_, options, members) => {
  const result = await passDrill('space-exceeded', '--size', '16', ...options);
  expect(result.stderr).toContain('etcd refuses writes');
  expect(result).toMatchObject({
    scenario: 'space-exceeded',
    outcome: 'Remediated',
    incident: 'space-exceeded',
    runbook: 'space-reclaim',
    lostWrites: 0,
  });
  expect(result.members).toHaveLength(members);
  for (const { dbSizeBytesBefore, dbSizeBytesAfter } of result.members as Record<string, number>[]) {
    expect(dbSizeBytesAfter).toBeLessThan(dbSizeBytesBefore ?? 0);
  }
  for (const figure of ['detectMs', 'remediateMs', 'maxWriteStallMs', 'ackedWrites', 'stateTransitions'] as const) {
    expect(result[figure]).toBeGreaterThan(0);
  }
});
