import { describe, expect, it } from 'vitest';
import type { DrillResult } from '../../drills/scenario.ts';
import { etcdRemediation, lastLine } from './command.ts';

describe('etcd-remediation drill', () => {
  it.each([
    ['three members', [], 3],
    ['one member', ['--members', '1'], 1],
    ['TLS and authentication on etcd 3.4', ['--tls', '--auth', '--etcd', '3.4.23'], 3],
  ])('space-exceeded brings %s back and loses nothing', async (_, options, members) => {
    const ended = await etcdRemediation('drill', 'space-exceeded', '--json', '--size', '16', ...options);
    expect(ended.stderr).toContain('etcd refuses writes');
    expect(ended.status, ended.stderr).toBe(0);
    const result = lastLine(ended) as unknown as DrillResult;
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
    expect(result.checks.filter((check) => !check.ok)).toEqual([]);
    expect(ended.stdout.trimEnd().split('\n')).toHaveLength(1);
  });

  const isLinuxRoot = process.platform === 'linux' && process.getuid?.() === 0;
  it.for([
    { hosts: 'process', etcd: '3.3.25', members: 3, options: [] },
    { hosts: 'process', etcd: '3.3.25', members: 5, options: ['--strategy', 'toggle', '--tls'] },
    { hosts: 'process', etcd: '3.5.16', members: 3, options: [] },
    { hosts: 'systemd', etcd: '3.3.25', members: 3, options: ['--strategy', 'toggle'] },
  ])(
    'auth-token-invalid lets members take tokens again on $hosts hosts, $members of etcd $etcd ($options), and loses nothing',
    { timeout: 180_000 },
    async ({ hosts, etcd, members, options }, { skip }) => {
      skip(hosts === 'systemd' && !isLinuxRoot, 'real systemd needs root on Linux');
      const size = ['--etcd', etcd, '--members', String(members)];
      const ended = await etcdRemediation(
        'drill',
        'auth-token-invalid',
        '--json',
        '--hosts',
        hosts,
        ...size,
        ...options,
      );
      expect(ended.status, ended.stderr).toBe(0);
      const result = lastLine(ended) as unknown as DrillResult & { windowMs: number; anonymousRequests: number };
      const hasDefect = etcd === '3.3.25';
      const isToggle = options.includes('toggle');
      expect(result).toMatchObject({
        scenario: 'auth-token-invalid',
        etcd,
        outcome: hasDefect ? 'Remediated' : 'NothingToDo',
        incident: 'auth-token-invalid',
        runbook: 'auth-token-reset',
        lostWrites: 0,
      });
      expect(result.checks.filter((check) => !check.ok)).toEqual([]);
      expect(result.windowMs > 0).toBe(isToggle);
      // Without a client certificate nobody comes as far as to be asked for a login.
      if (!isToggle || options.includes('--tls')) expect(result.anonymousRequests).toBe(0);
      const rejecting = result.members.filter(({ rejectedTokens }) => rejectedTokens);
      expect(rejecting).toHaveLength(hasDefect ? (members === 5 ? 2 : 1) : 0);
      expect(result.members.filter(({ restarted }) => restarted)).toHaveLength(isToggle ? 0 : rejecting.length);
    },
  );

  it.for([
    { hosts: 'process', etcd: '3.4.23', members: 3, options: ['--tls', '--auth'] },
    { hosts: 'process', etcd: '3.5.16', members: 5, options: [] },
    { hosts: 'systemd', etcd: '3.5.16', members: 3, options: [] },
    { hosts: 'systemd', etcd: '3.5.30', members: 5, options: ['--tls', '--auth'] },
  ])(
    'member-failed replaces what fails of $members members on $hosts hosts with etcd $etcd ($options) and loses nothing',
    { timeout: 180_000 },
    async ({ hosts, etcd, members, options }, { skip }) => {
      skip(hosts === 'systemd' && !isLinuxRoot, 'real systemd needs root on Linux');
      const size = ['--etcd', etcd, '--members', String(members)];
      const ended = await etcdRemediation('drill', 'member-failed', '--json', '--hosts', hosts, ...size, ...options);
      expect(ended.status, ended.stderr).toBe(0);
      const result = lastLine(ended) as unknown as DrillResult;
      expect(result).toMatchObject({
        scenario: 'member-failed',
        etcd,
        outcome: 'Remediated',
        incident: 'member-failed',
        runbook: 'member-replacement',
        lostWrites: 0,
      });
      expect(result.checks.filter((check) => !check.ok)).toEqual([]);
      for (const { replaced, idBefore, idAfter } of result.members) {
        expect(idAfter !== idBefore).toBe(replaced);
      }
      expect(result.members.filter(({ replaced }) => replaced)).toHaveLength(members === 5 ? 2 : 1);
      expect(ended.stdout.trimEnd().split('\n')).toHaveLength(1);
    },
  );

  it.for([{ hosts: 'process', etcd: '3.4.23', options: ['--tls', '--auth'] }])(
    'full brings back a store and a member on $hosts hosts with etcd $etcd ($options) when nobody is told but the detector, and loses nothing',
    { timeout: 240_000 },
    async ({ hosts, etcd, options }) => {
      const ended = await etcdRemediation('drill', 'full', '--json', '--hosts', hosts, '--etcd', etcd, ...options);
      expect(ended.status, ended.stderr).toBe(0);
      const result = lastLine(ended) as unknown as DrillResult;
      expect(result).toMatchObject({
        scenario: 'full',
        etcd,
        outcome: 'Remediated',
        incident: 'space-exceeded and member-failed',
        runbook: 'space-reclaim and member-replacement',
        lostWrites: 0,
      });
      expect(result.checks.filter((check) => !check.ok)).toEqual([]);
      expect(result.detectMs).toBeGreaterThan(0);
      expect(result.remediateMs).toBeGreaterThan(0);
    },
  );

  it.for([
    { damage: 'intact', hosts: 'process', etcd: '3.4.23', members: 3, options: ['--auth'] },
    { damage: 'survivor', hosts: 'process', etcd: '3.5.16', members: 3, options: ['--tls', '--auth'] },
    { damage: 'killed', hosts: 'process', etcd: '3.5.16', members: 5, options: [] },
    { damage: 'wal', hosts: 'process', etcd: '3.5.30', members: 3, options: ['--auth'] },
    { damage: 'killed', hosts: 'systemd', etcd: '3.4.23', members: 3, options: ['--tls', '--auth'] },
  ])(
    'quorum-lost, $damage, brings $members members back on $hosts hosts with etcd $etcd ($options) and loses what it says',
    { timeout: 180_000 },
    async ({ damage, hosts, etcd, members, options }, { skip }) => {
      skip(hosts === 'systemd' && !isLinuxRoot, 'real systemd needs root on Linux');
      const size = ['--etcd', etcd, '--members', String(members)];
      const kind = ['--damage', damage, '--hosts', hosts];
      const ended = await etcdRemediation('drill', 'quorum-lost', '--json', ...kind, ...size, ...options);
      expect(ended.status, ended.stderr).toBe(0);
      const result = lastLine(ended) as unknown as DrillResult & Record<string, unknown>;
      expect(result).toMatchObject({
        scenario: 'quorum-lost',
        damage,
        etcd,
        outcome: 'Remediated',
        incident: 'quorum-lost',
        runbook: 'quorum-recovery',
      });
      expect(result.checks.filter((check) => !check.ok)).toEqual([]);
      if (damage === 'intact' || damage === 'survivor') expect(result.lostWrites).toBe(0);
      expect(result.members).toHaveLength(members);
      // With new IDs, an old member that comes back cannot meddle.
      for (const { idBefore, idAfter } of result.members) expect(idAfter === idBefore).toBe(damage === 'intact');
      expect(result.keptRevision).toMatch(/^\d+$/);
      expect(result.timeToFirstWriteMs).toBeGreaterThan(0);
      expect(result.timeToFirstWriteMs).toBeLessThan(result.remediateMs + 10_000);
      expect(ended.stdout.trimEnd().split('\n')).toHaveLength(1);
    },
  );
});
