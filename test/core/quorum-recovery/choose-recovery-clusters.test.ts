import { describe, expect, it } from 'vitest';
import type { HostInspection } from '../../../core/hosts/host-command-results.ts';
import { FIVE, names, recoveryAction, STATES } from './recoveries.ts';

const { killed, up, empty } = STATES;
const of = (clusterId: string, state: Partial<HostInspection> = killed) => ({ ...state, clusterId });
type Hosts = Record<string, Partial<HostInspection>>;
const LED: HostInspection['atWork'] = {
  clientPortListens: true,
  peerPortListens: true,
  processState: 'S',
  answer: 'leader',
  memberId: '',
  problem: '',
};

describe('members whose data is of different clusters', () => {
  it.each<[string, Hosts, string[], RegExp]>([
    [
      'another one is left off',
      { node1: of('c1'), node2: of('c1'), node3: of('c2') },
      ['node1', 'node2'],
      /^2 of 3 voters have data, .* node3: its data is of another cluster \(c2\) than that of node1, node2 \(c1\)\./,
    ],
    ['nobody can tell of which it is', { node1: of('c1'), node2: of(''), node3: empty }, ['node1', 'node2'], /^2 of 3/],
  ])('are started where they may be a quorum with each other: %s', (_, hosts, started, why) => {
    const { action, commands, summary } = recoveryAction({ hosts });
    expect({ action, started: names(commands) }).toEqual({ action: 'Restart', started });
    expect(summary).toMatch(why);
  });

  it.each<[string, Hosts]>([
    ['one against one', { node1: of('c1'), node2: of('c2'), node3: empty }],
    ['one each', { node1: of('c1'), node2: of('c2'), node3: of('c3') }],
    [
      'each has a leader, of its own',
      {
        node1: { ...of('c1', up), atWork: LED },
        node2: { ...of('c2', up), atWork: LED },
        node3: { ...of('c3', up), atWork: LED },
      },
    ],
    ['they run already', { node1: of('c1', up), node2: of('c2', up), node3: empty }],
    ['two against two', { node1: of('c1'), node2: of('c1'), node3: of('c2'), node4: of('c2'), node5: empty }],
  ])('are neither started nor waited for where they are none: %s', (_, hosts) => {
    const { action, summary } = recoveryAction({ hosts, ...(Object.keys(hosts).length > 3 && { cluster: FIVE }) });
    expect(action).toBe('Salvage');
    expect(summary).toMatch(/ have data, and a quorum is \d, but not of one cluster: node1.* \(c1\); /);
  });
});
