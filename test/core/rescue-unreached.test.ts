import { describe, expect, it } from 'vitest';
import type { HostInspection } from '../../core/contracts/host-command-results.ts';
import { failureOf } from './observations.ts';
import { rescue, STATES } from './recoveries.ts';

const AT_WORK = {
  clientPortListens: true,
  peerPortListens: true,
  answer: 'leader',
  memberId: 'a1',
  problem: '',
} as const;
const led: Partial<HostInspection> = { ...STATES.up, atWork: AT_WORK };
const leaderless: Partial<HostInspection> = { ...STATES.up, atWork: { ...AT_WORK, answer: 'no-leader' } };

describe('hosts of a quorum that say that their etcd has a leader', () => {
  const hosts = { node1: led, node2: led, node3: STATES.killed };

  it('are waited for, and nothing is started, stopped or salvaged', () => {
    expect(rescue({ hosts })).toMatchObject({ action: 'WaitForQuorum', commands: [] });
  });

  it.each([
    ['after two waits', { hosts, waits: 2 }],
    ['at once in a dry run', { hosts, dryRun: true }],
  ])('end it %s: nothing is wrong but the way there', (_what, request) => {
    expect(failureOf(() => rescue(request))).toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringContaining('Its clients are served; only from here it is not reached'),
    });
  });

  it('count only as a quorum, and only with a leader', () => {
    expect(rescue({ hosts: { ...hosts, node2: leaderless } }).action).not.toBe('Salvage');
    expect(rescue({ hosts: { node1: led }, dryRun: true }).action).toBe('Salvage');
  });
});
