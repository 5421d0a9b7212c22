import { describe, expect, it } from 'vitest';
import type { Candidate } from '../../../core/quorum-recovery/contracts.ts';
import { failureOf, MIB } from '../observations.ts';
import { examined, log, plan, salvage, withBackup } from './recoveries.ts';

const brief = (candidates: Candidate[]) =>
  candidates.map(({ member, source, revision }) => `${member} ${source} ${revision}`);
const none = salvage('none', 0, { problem: 'its data dir is empty.' });
type Request = Parameters<typeof plan>[0];

describe('what could be restored', () => {
  it.each<[string, Request, string[]]>([
    [
      'the highest revision first, from whichever member',
      { data: { node1: salvage('replayed', 4004), node2: salvage('replayed', 4030), node3: salvage('raw', 3851) } },
      ['node2 replay 4030', 'node1 replay 4004', 'node3 raw 3851'],
    ],
    [
      'the highest revision as a number, not as a text',
      { data: { node1: salvage('replayed', 999), node2: salvage('replayed', 1000), node3: none } },
      ['node2 replay 1000', 'node1 replay 999'],
    ],
    [
      'a small new database before a large old one',
      {
        data: {
          node1: salvage('replayed', 60, { sizeBytes: 6500 * MIB, totalKeys: 90_000 }),
          node2: salvage('replayed', 3116, { sizeBytes: 1, totalKeys: 3 }),
          node3: none,
        },
      },
      ['node2 replay 3116', 'node1 replay 60'],
    ],
    [
      'a newer raw database before an older log',
      { data: { node1: salvage('replayed', 10), node2: salvage('raw', 20), node3: none } },
      ['node2 raw 20', 'node1 replay 10'],
    ],
    [
      'a log that goes further before a member that is up',
      { data: { node1: salvage('live', 10), node2: salvage('replayed', 20), node3: none } },
      ['node2 replay 20', 'node1 survivor 10'],
    ],
    [
      'of the same revision, what is closer to a member as it ran',
      { data: { node1: salvage('raw', 10), node2: salvage('replayed', 10), node3: salvage('live', 10) } },
      ['node3 survivor 10', 'node2 replay 10', 'node1 raw 10'],
    ],
    [
      'of the same revision and way, the one with more keys, and then the first',
      {
        data: {
          node1: salvage('raw', 10, { totalKeys: 1 }),
          node2: salvage('raw', 10, { totalKeys: 2 }),
          node3: salvage('raw', 10, { totalKeys: 2 }),
        },
      },
      ['node2 raw 10', 'node3 raw 10', 'node1 raw 10'],
    ],
    [
      'a member that this execution has started as a replayed one: it remembers no more than its log',
      {
        data: { node1: salvage('live', 10, { log: null }), node2: salvage('live', 10), node3: none },
        launched: ['node1'],
      },
      ['node2 survivor 10', 'node1 replay 10'],
    ],
    [
      'a backup where its revision says so',
      { ...withBackup(), examined: examined(4010) },
      ['node2 replay 4030', 'node2 backup 4010', 'node1 replay 4004', 'node3 raw 3851'],
    ],
    [
      'a backup that is the newest',
      { ...withBackup(), examined: examined(4031) },
      ['node2 backup 4031', 'node2 replay 4030', 'node1 replay 4004', 'node3 raw 3851'],
    ],
    [
      'a backup last among equals',
      { ...withBackup(), examined: examined(3851) },
      ['node2 replay 4030', 'node1 replay 4004', 'node3 raw 3851', 'node2 backup 3851'],
    ],
    [
      'a backup that is forced before everything',
      { ...withBackup(true), examined: examined(7) },
      ['node2 backup 7', 'node2 replay 4030', 'node1 replay 4004', 'node3 raw 3851'],
    ],
    [
      'numbers of 64 bits, of which not one is lost',
      {
        data: {
          node1: salvage('replayed', 1, { revision: '9223372036854775806' }),
          node2: salvage('replayed', 1, { revision: '9223372036854775807' }),
          node3: none,
        },
      },
      ['node2 replay 9223372036854775807', 'node1 replay 9223372036854775806'],
    ],
  ])('is ranked: %s', (_, request, expected) => {
    const { candidates, winner } = plan(request);
    expect(brief(candidates)).toEqual(expected);
    expect(brief([winner])).toEqual(expected.slice(0, 1));
  });

  it('is no store without a key, as a member has that was emptied and started', () => {
    const empty = salvage('live', 0, { totalKeys: 0 });
    expect(brief(plan({ data: { node1: empty, node2: salvage('raw', 3), node3: none } }).candidates)).toEqual([
      'node2 raw 3',
    ]);
  });

  it('is told, with everything that was found, where it is nothing', () => {
    const data = { node1: salvage('live', 0, { totalKeys: 0 }), node2: none, node3: none };
    const failure = failureOf(() => plan({ data }));
    expect(failure.name).toBe('PreconditionFailed');
    expect(failure.message).toBe(
      'Nothing is left that could be restored:\n- node1: empty, revision 0, 0 keys\n- node2: its data dir is empty.\n- node3: its data dir is ' +
        'empty.\nLook for a snapshot of the cluster, name it with parameters.snapshot, and start again. Nothing was restored.',
    );
  });

  it('is a backup where nothing else is left', () => {
    const request = { ...withBackup(), examined: examined(5), data: { node1: none, node2: none, node3: none } };
    expect(brief(plan(request).candidates)).toEqual(['node2 backup 5']);
  });

  it.each([false, true])('is not judged without a backup that was asked for: forced %s', (force) => {
    const broken = {
      member: 'node2',
      host: 'i-2',
      result: null,
      error: 'HostCommandFailed',
      problem: 'It is no snapshot of etcd.',
    };
    const failure = failureOf(() => plan({ ...withBackup(force), examined: broken }));
    expect(failure.name).toBe('PreconditionFailed');
    expect(failure.message).toMatch(
      /^The backup that parameters\.snapshot names could not be looked at: It is no snapshot of etcd\./,
    );
  });

  it.each([
    ['', salvage('replayed', 10)],
    [
      'without the last 5 entries of its log, which it did not know as committed',
      salvage('replayed', 10, { log: log(100, 105) }),
    ],
    ['the damaged end of its log was cut off', salvage('replayed', 10, { log: log(100, 100, false) })],
    [
      'the damaged end of its log was cut off; without the last 1 entries of its log, which it did not know as committed',
      salvage('replayed', 10, { log: log(100, 101, false) }),
    ],
    ['The log could not be replayed: walpb: crc mismatch', salvage('raw', 10)],
    ['', salvage('live', 10, { log: null })],
    ['no etcd', salvage('live', 10, { log: null, problem: 'no etcd.' })],
  ])('says why it is no better: "%s"', (note, result) => {
    expect(plan({ data: { node1: result, node2: none, node3: none } }).winner.note).toBe(note);
  });

  it('says that nobody vouches for a backup without a hash', () => {
    const request = { ...withBackup(true), examined: examined(5, { hasHash: false }) };
    expect(plan(request).winner.note).toBe('it has no hash, so whether it is whole is unknown');
  });
});
