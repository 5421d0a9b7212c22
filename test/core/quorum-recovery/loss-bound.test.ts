import { describe, expect, it } from 'vitest';
import type { Salvage } from '../../../core/hosts/host-command-results.ts';
import type { Candidate } from '../../../core/quorum-recovery/contracts.ts';
import { boundDataLoss } from '../../../core/quorum-recovery/loss-bound.ts';
import { log, salvage, salvaged } from './recoveries.ts';

const VOTERS = ['node1', 'node2', 'node3'];

function winner(revision: number, source: Candidate['source'] = 'replay'): Candidate {
  return { member: 'node1', source, revision: String(revision), totalKeys: 1, sizeBytes: 1, note: '' };
}

function bound(candidate: Candidate, data: Record<string, Salvage | null>, voters = VOTERS) {
  return boundDataLoss({
    voters,
    quorum: Math.floor(voters.length / 2) + 1,
    salvaged: Object.entries(data).map(([name, result]) => salvaged(name, result)),
    winner: candidate,
  });
}
const none = salvage('none', 0);
/** Its log ends at `last`, and it knew everything up to `committed` as committed; the database alone could not be read. */
const replayed = (revision: number, committed: number, last: number, complete = true) =>
  salvage('replayed', revision, { log: log(committed, last, complete), rawRevision: '0' });

describe('the bound of loss, by the logs', () => {
  it.each<[string, number, Record<string, Salvage | null>, number | null]>([
    [
      'all logs end where the winner does',
      4030,
      { node1: replayed(4030, 4100, 4100), node2: replayed(4030, 4100, 4100), node3: none },
      0,
    ],
    [
      'entries were dropped',
      4030,
      { node1: replayed(4030, 4100, 4110), node2: replayed(4004, 4070, 4090), node3: none },
      10,
    ],
    [
      'another log is longer',
      4030,
      { node1: replayed(4030, 4100, 4110), node2: replayed(4004, 4070, 4126), node3: none },
      26,
    ],
    [
      'the longest log was cut, which is none of those that count',
      4030,
      {
        node1: replayed(4030, 4100, 4110),
        node2: replayed(4004, 4070, 4120),
        node3: replayed(4004, 4070, 4190, false),
      },
      20,
    ],
    [
      'the winner is newer than any whole log',
      4050,
      {
        node1: replayed(4050, 4200, 4200, false),
        node2: replayed(4004, 4070, 4120),
        node3: replayed(4004, 4070, 4110),
      },
      0,
    ],
    ['one log is whole', 4030, { node1: replayed(4030, 4100, 4100), node2: none, node3: none }, null],
    [
      'one log is whole and one was cut',
      4030,
      { node1: replayed(4030, 4100, 4100), node2: replayed(4004, 4070, 4090, false), node3: none },
      null,
    ],
    ['a host was not reached', 4030, { node1: replayed(4030, 4100, 4100) }, null],
    ['a salvage failed', 4030, { node1: replayed(4030, 4100, 4100), node2: null, node3: none }, null],
  ])('is, where %s', (_, revision, data, atMostWrites) => {
    expect(bound(winner(revision), data)).toMatchObject({ keptRevision: String(revision), atMostWrites });
  });

  it.each([
    [1, 1],
    [3, 2],
    [4, 2],
    [5, 3],
    [7, 4],
  ])('needs, of %i voters, %i whole logs: one of every quorum', (count, needed) => {
    const voters = Array.from({ length: count }, (_, index) => `node${index + 1}`);
    const whole = (logs: number) =>
      bound(winner(10), Object.fromEntries(voters.slice(0, logs).map((name) => [name, replayed(10, 20, 22)])), voters);
    expect(whole(needed).atMostWrites).toBe(2);
    expect(whole(needed - 1).atMostWrites).toBeNull();
  });

  it('does not count the log of a member that has no vote', () => {
    const data = { node1: replayed(10, 20, 20), node9: replayed(10, 20, 20) };
    expect(bound(winner(10), data).atMostWrites).toBeNull();
  });

  it('takes the word of a member that runs, as well', () => {
    const live = salvage('live', 4030, { log: log(4100, 4103), rawRevision: '0' });
    expect(bound(winner(4030, 'survivor'), { node1: live, node2: replayed(4004, 4070, 4090) }).atMostWrites).toBe(3);
  });

  it('says what it rests on', () => {
    const data = { node1: replayed(4030, 4100, 4110), node2: replayed(4004, 4070, 4126), node3: none };
    expect(bound(winner(4030), data).explanation).toBe(
      'Everything up to revision 4030 is kept. The logs of node1, node2 were read to their ends, and every quorum has at least one of these ' +
        'members: at most 26 acknowledged writes are lost, which are the entries after the last one that is known as committed.',
    );
  });

  it('says so where nothing is lost', () => {
    const data = { node1: replayed(4030, 4100, 4100), node2: replayed(4030, 4100, 4100) };
    expect(bound(winner(4030), data).explanation).toMatch(/: no acknowledged write is lost\.$/);
  });

  it('says what is missing, and what that means, where it cannot be told', () => {
    const data = { node1: replayed(4030, 4100, 4100), node2: none, node3: null };
    expect(bound(winner(4030), data).explanation).toBe(
      'Everything up to revision 4030 is kept. How many acknowledged writes are lost cannot be counted. The logs of node2, node3 could not be ' +
        'read to their ends, so these may have had writes that no other log holds. If all members kept up, only writes of the last ' +
        'moments before the quorum was lost are missing. To count them, 2 whole logs would be needed: a write is acknowledged once 2 of the 3 voters ' +
        'have it.',
    );
  });

  it('says of a member that runs what only a person may know', () => {
    const data = { node1: salvage('live', 4030, { rawRevision: '0' }), node2: none, node3: none };
    const { atMostWrites, explanation } = bound(winner(4030, 'survivor'), data);
    expect(atMostWrites).toBeNull();
    expect(explanation).toMatch(
      / If node1 was the leader until then, nothing is lost: a leader that runs on has all that was acknowledged\. To count/,
    );
  });
});

describe('logs of different clusters', () => {
  const other = (last: number, revision = 4000) =>
    salvage('replayed', revision, { log: log(last, last, true, 'c2'), rawRevision: '0' });

  it.each<[string, Candidate['source'], Record<string, Salvage | null>, number | null]>([
    ['one of the winner alone', 'replay', { node1: replayed(9, 20, 22), node2: other(90), node3: none }, null],
    ['two of the winner', 'replay', { node1: replayed(9, 20, 22), node2: replayed(8, 19, 25), node3: other(90) }, 5],
    [
      'another, and the winner has none',
      'raw',
      { node1: salvage('raw', 9), node2: other(90), node3: replayed(8, 1, 1) },
      null,
    ],
    [
      'one, and of the winner nobody can tell',
      'raw',
      { node1: salvage('raw', 9, { clusterId: '' }), node2: other(90), node3: other(95) },
      0,
    ],
    [
      'another, whose log could not be replayed',
      'raw',
      { node1: salvage('raw', 9), node2: other(90), node3: other(95) },
      null,
    ],
  ])('are not compared: %s', (_, source, data, atMostWrites) => {
    expect(bound(winner(9, source), data).atMostWrites).toBe(atMostWrites);
  });

  it('are named where nothing can be told', () => {
    const data = { node1: replayed(9, 20, 22), node2: other(90), node3: none };
    expect(bound(winner(9), data).explanation).toContain(
      'cannot be counted. The logs are of different clusters (c1: node1; c2: node2) and cannot be compared: a member may have been left out of',
    );
  });

  it('leave nothing to say of databases either: their revisions cannot be compared', () => {
    const data = {
      node1: salvage('replayed', 9),
      node2: salvage('replayed', 8, { log: log(9, 9, true, 'c2') }),
      node3: salvage('raw', 7),
    };
    expect(bound(winner(9), data).atMostWrites).toBeNull();
  });
});

describe('the bound of loss, by the databases', () => {
  it("is a batch of etcd's where every voter's was read", () => {
    const data = { node1: salvage('raw', 3957), node2: salvage('raw', 3910), node3: salvage('raw', 3851) };
    const { atMostWrites, explanation } = bound(winner(3957, 'raw'), data);
    expect(atMostWrites).toBe(10_000);
    expect(explanation).toContain('The databases of all voters were read');
  });

  it.each<[string, Record<string, Salvage | null>]>([
    ['was wiped', { node1: salvage('raw', 3957), node2: salvage('raw', 3910), node3: none }],
    ['could not be copied', { node1: salvage('raw', 3957), node2: salvage('raw', 3910), node3: null }],
    ['was not reached', { node1: salvage('raw', 3957), node2: salvage('raw', 3910) }],
    [
      'is without a key, as after it was emptied',
      { node1: salvage('raw', 3957), node2: salvage('raw', 3910), node3: salvage('raw', 0) },
    ],
  ])('cannot be told where one %s: it may be the one that has acknowledged', (_, data) => {
    expect(bound(winner(3957, 'raw'), data).atMostWrites).toBeNull();
  });

  it('holds for a log that was replayed, too, where the others cannot be', () => {
    const data = { node1: salvage('replayed', 4030), node2: salvage('raw', 3910), node3: salvage('raw', 3851) };
    expect(bound(winner(4030), data).atMostWrites).toBe(10_000);
  });

  it('gives way to a tighter one', () => {
    const data = {
      node1: salvage('replayed', 4030, { log: log(4100, 4105) }),
      node2: salvage('replayed', 4030, { log: log(4100, 4100) }),
      node3: salvage('raw', 3851),
    };
    expect(bound(winner(4030), data).atMostWrites).toBe(5);
  });

  it('is the tighter one where a log went far ahead', () => {
    const data = {
      node1: salvage('replayed', 4030, { log: log(4100, 50_000) }),
      node2: salvage('replayed', 4030),
      node3: salvage('raw', 3851),
    };
    expect(bound(winner(4030), data).atMostWrites).toBe(10_000);
  });
});

describe('the loss with a backup', () => {
  it('cannot be counted, and says how much is given up that is still there', () => {
    const loss = bound(winner(3000, 'backup'), {
      node1: salvage('replayed', 4030),
      node2: salvage('replayed', 4004),
      node3: none,
    });
    expect(loss).toMatchObject({ keptRevision: '3000', atMostWrites: null });
    expect(loss.explanation).toContain(
      'node1 still has revision 4030, so at least 1030 writes are given up that could be kept',
    );
  });

  it('says where it is the newest that there is', () => {
    const loss = bound(winner(3000, 'backup'), { node1: salvage('raw', 2000), node2: none });
    expect(loss.atMostWrites).toBeNull();
    expect(loss.explanation).toContain('Nothing newer is left on any host that was looked at.');
  });
});

it('is right for numbers of 64 bits', () => {
  const huge = (last: string) =>
    salvage('replayed', 1, {
      revision: '9223372036854770000',
      rawRevision: '0',
      log: { clusterId: 'c1', complete: true, commitIndex: '9223372036854775800', lastIndex: last },
    });
  const data = { node1: huge('9223372036854775801'), node2: huge('9223372036854775807') };
  expect(bound({ ...winner(1), revision: '9223372036854770000' }, data).atMostWrites).toBe(7);
});
