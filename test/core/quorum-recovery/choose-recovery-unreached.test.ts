import { describe, expect, it } from 'vitest';
import type { HostInspection } from '../../../core/hosts/host-command-results.ts';
import { failureOf, inspection } from '../observations.ts';
import { recoveryAction, STATES } from './recoveries.ts';

const AT_WORK = {
  clientPortListens: true,
  peerPortListens: true,
  processState: 'S',
  answer: 'leader',
  memberId: 'a1',
  problem: '',
} as const;
const led: Partial<HostInspection> = { ...STATES.up, atWork: AT_WORK };
const leaderless: Partial<HostInspection> = { ...STATES.up, atWork: { ...AT_WORK, answer: 'no-leader' } };

describe('hosts of a quorum that say that their etcd has a leader', () => {
  const hosts = { node1: led, node2: led, node3: STATES.killed };

  it('are waited for, and nothing is started, stopped or salvaged', () => {
    expect(recoveryAction({ hosts })).toMatchObject({ action: 'WaitForQuorum', commands: [] });
  });

  it.each([
    ['after two waits', { hosts, waits: 2 }],
    ['at once in a dry run', { hosts, dryRun: true }],
  ])('end it %s: nothing is wrong but the way there', (_what, request) => {
    expect(failureOf(() => recoveryAction(request))).toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringContaining('It serves its clients and only cannot be reached from here'),
    });
  });

  it('count only as a quorum, and only with a leader', () => {
    expect(recoveryAction({ hosts: { ...hosts, node2: leaderless } }).action).not.toBe('Salvage');
    expect(recoveryAction({ hosts: { node1: led }, dryRun: true }).action).toBe('Salvage');
  });
});

describe('a host whose etcd announces the peer URL of another member', () => {
  const { configuration } = inspection('node3');
  const other = { configuration: { ...configuration, initialAdvertisePeerUrls: 'https://10.9.9.9:2380' } };

  it.each([
    ['at work, beside others', { hosts: { node1: { ...led, ...other }, node2: led, node3: STATES.killed } }],
    ['stopped', { hosts: { node3: { ...STATES.stopped, ...other } } }],
    ['stopped, in a dry run', { hosts: { node3: { ...STATES.stopped, ...other } }, dryRun: true }],
  ])('ends a recovery before anything is done there: %s', (_what, request) => {
    expect(failureOf(() => recoveryAction(request))).toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringMatching(
        /^The etcd on these hosts is not the member that clusters\.json says:\n- node[13] on i-\w+: etcd announces the peer URL "https:\/\/10\.9\.9\.9:2380", and clusters\.json says \S+\nNothing was changed there/,
      ),
    });
  });

  it('is not judged where its configuration does not say', () => {
    const silent = { configuration: { ...configuration, initialAdvertisePeerUrls: '' } };
    expect(recoveryAction({ hosts: { node3: { ...STATES.killed, ...silent } } }).action).toBe('Restart');
  });
});
