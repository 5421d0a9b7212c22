import { describe, expect, it } from 'vitest';
import type { Salvage } from '../../../core/hosts/host-command-results.ts';
import { failureOf } from '../observations.ts';
import { CLUSTER, examined, FIVE, log, plan, salvage, withBackup } from './recoveries.ts';

const none = salvage('none', 0);
const of = (clusterId: string, revision: number, method: Salvage['method'] = 'replayed') =>
  salvage(method, revision, {
    clusterId,
    ...((method === 'replayed' || method === 'live') && { log: log(revision + 100, revision + 100, true, clusterId) }),
  });
type Data = Record<string, Salvage | null>;

describe('data of another cluster than that of a quorum of the hosts', () => {
  it.each<[string, Data, string, string[]]>([
    ['a log goes further', { node1: of('c1', 50), node2: of('c1', 60), node3: of('c2', 900) }, 'node2', ['node3']],
    [
      'neither log of the quorum can be replayed',
      { node1: of('c1', 50, 'raw'), node2: of('c1', 60, 'raw'), node3: of('c2', 900, 'live') },
      'node2',
      ['node3'],
    ],
    [
      'of a database nobody can tell of which cluster it is',
      { node1: of('c1', 50), node2: of('c1', 60), node3: of('', 900, 'raw'), node4: of('c1', 7), node5: of('c2', 3) },
      'node2',
      ['node3', 'node5'],
    ],
    [
      'there are two others',
      { node1: of('c1', 2), node2: of('c1', 60), node3: of('c1', 5), node4: of('c2', 70), node5: of('c3', 80) },
      'node2',
      ['node4', 'node5'],
    ],
  ])('is never restored, is named, and makes way: %s', (_, data, best, strange) => {
    const cluster = Object.keys(data).length > 3 ? FIVE : CLUSTER;
    const { winner, candidates, steps, commands, ladder } = plan({ data, cluster });
    expect(winner.member).toBe(best);
    expect(candidates.filter(({ member }) => strange.includes(member))).toEqual([]);
    for (const name of strange) {
      expect(steps).toContainEqual(
        expect.stringMatching(
          new RegExp(
            `^leave unused what ${name} holds, and move it aside: (it is of another cluster \\(c\\d\\)|its cluster is unknown), and a quorum of the hosts \\(.*\\) holds that of c1$`,
          ),
        ),
      );
    }
    expect(
      commands.swap.flatMap(({ member, parameters }) => (parameters.replaceNewer === 'yes' ? [member] : [])),
    ).toEqual(strange);
    expect(JSON.stringify(ladder)).not.toContain('not a key in it');
  });

  it.each<[string, Data]>([
    ['all is of one', { node1: of('c1', 50), node2: of('c1', 60), node3: none }],
    ['the only other store was never written to', { node1: of('c1', 50), node2: of('c2', 1), node3: none }],
    ['of no other it is known', { node1: of('c1', 50), node2: of('', 40, 'raw'), node3: none }],
    ['the other could not be copied', { node1: of('c1', 50), node2: of('c1', 60), node3: of('c1', 7) }],
  ])('is not there where %s', (_, data) => {
    expect(plan({ data }).steps.filter((step) => step.startsWith('leave unused'))).toEqual([]);
  });

  const ONE_AGAINST_ONE = { node1: none, node2: of('c1', 60), node3: of('c2', 900) };

  it.each<[string, Data]>([
    ['one against one', ONE_AGAINST_ONE],
    ['one each', { node1: of('c3', 50), node2: of('c1', 60), node3: of('c2', 900) }],
  ])('is not chosen by anybody where nobody can tell which is meant: %s', (_, data) => {
    for (const dryRun of [true, false]) {
      const { name, message } = failureOf(() => plan({ data, dryRun }));
      expect(name).toBe('PreconditionFailed');
      expect(message).toMatch(
        /^The hosts hold data of different clusters, and none of these is on as many as make a quorum \(2 of 3 voters\), so it is unknown which is meant:\n/,
      );
      expect(message).toContain(
        '\n- c1: node2 on i-2 holds its data at revision 60\n- c2: node3 on i-3 holds its data at revision 900\n',
      );
      expect(message).toContain('/var/lib/etcd/member on i-2; /var/lib/etcd/member on i-3), then start again.');
    }
  });

  it('is not passed over where it may be what an earlier recovery has restored, which has left out the others', () => {
    const data = { node1: of('c1', 50), node2: of('c1', 60), node3: of('c2', 1_000_000_055) };
    const { name, message } = failureOf(() => plan({ data }));
    expect(name).toBe('PreconditionFailed');
    expect(message).toMatch(
      /^The hosts hold data of different clusters, and one that is not on a quorum of them has the revision that a recovery raises it to, so it is unknown which is meant:\n/,
    );
  });

  it('does not matter where a backup is forced', () => {
    const { winner } = plan({ ...withBackup(true), examined: examined(5), data: ONE_AGAINST_ONE });
    expect(winner.source).toBe('backup');
    expect(failureOf(() => plan({ ...withBackup(), examined: examined(5), data: ONE_AGAINST_ONE })).name).toBe(
      'PreconditionFailed',
    );
  });
});
