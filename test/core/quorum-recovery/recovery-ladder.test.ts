import { describe, expect, it } from 'vitest';
import type { Rung } from '../../../core/quorum-recovery/contracts.ts';
import { DATA, examined, plan, STATES, salvage, WITH_BACKUPS, withBackup } from './recoveries.ts';

const none = salvage('none', 0, { problem: 'its data dir is empty.' });
type Request = Parameters<typeof plan>[0];
const rungOf = (rung: Rung['rung'], request: Request) => plan(request).ladder.find((each) => each.rung === rung);

/** One log that is whole, which is no quorum. */
const DAMAGED = { ...DATA, node1: salvage('raw', 4004) };

describe('the ladder', () => {
  it('has every rung, from the safest down, and one that serves', () => {
    const { ladder } = plan();
    expect(ladder.map(({ rung, serves }) => [rung, serves])).toEqual([
      ['restart', false],
      ['survivor', false],
      ['replay', true],
      ['raw', false],
      ['backup', false],
    ]);
  });

  it.each<[string, Rung['rung'], Request, boolean, string]>([
    [
      'too few have data',
      'restart',
      { hosts: { node1: STATES.empty, node2: STATES.empty } },
      false,
      '1 of 3 voters has data, and a quorum is 2: node1: its data dir /var/lib/etcd is empty. node2: its data dir /var/lib/etcd is empty.',
    ],
    [
      'it was tried',
      'restart',
      { data: DAMAGED, launched: ['node1', 'node2'], restartProblem: 'node2: it does not stay up.' },
      false,
      'node1, node2 were started, and no quorum came of it.\n- node2: it does not stay up.',
    ],
    [
      'it was tried with one',
      'restart',
      { data: DAMAGED, launched: ['node1'] },
      false,
      'node1 was started, and no quorum came of it.',
    ],
    [
      'it was tried, and none came up',
      'restart',
      { restartProblem: 'node1: no.\nnode2: no.' },
      false,
      'No service could be started.\n- node1: no.\n- node2: no.',
    ],
    [
      'it would be tried',
      'restart',
      { dryRun: true },
      true,
      '3 of 3 voters have data, and a quorum is 2. This is tried first, and loses nothing.',
    ],
    [
      'it would not be tried',
      'restart',
      { dryRun: true, hosts: { node1: STATES.up, node2: STATES.up, node3: STATES.empty } },
      false,
      '2 of 3 voters have data, and a quorum is 2, and all of them run already. node3: its data dir /var/lib/etcd is empty.',
    ],
    [
      'a backup was asked for',
      'restart',
      { ...withBackup(true), examined: examined(7), dryRun: true },
      false,
      'the backup was asked for',
    ],
    [
      'a restart would be tried first',
      'replay',
      { dryRun: true },
      true,
      'if the restart does not help: node2 at revision 4030 is the newest of all',
    ],
    ['none was up', 'survivor', {}, false, 'no member was up that has data'],
    [
      'one was up',
      'survivor',
      { data: { node1: salvage('live', 4100), node2: none, node3: none } },
      true,
      'node1 at revision 4100 is the newest of all',
    ],
    [
      'one was up, and is older',
      'survivor',
      { data: { node1: salvage('live', 4000), node2: salvage('replayed', 4100), node3: none } },
      false,
      'node1 at revision 4000, and node2 has revision 4100',
    ],
    ['a log was replayed', 'replay', {}, true, 'node2 at revision 4030 is the newest of all'],
    [
      'a log was replayed, and a survivor has the same',
      'replay',
      { data: { node1: salvage('live', 10), node2: salvage('replayed', 10), node3: none } },
      false,
      'node2 at revision 10, and node1 has the same by a safer way',
    ],
    [
      'no log could be replayed',
      'replay',
      { data: { node1: salvage('raw', 10), node2: none, node3: salvage('raw', 9) } },
      false,
      'there is no log that could be replayed: node1: The log could not be replayed: walpb: crc mismatch; node2: its data dir is empty; node3: ' +
        'The log could not be replayed: walpb: crc mismatch',
    ],
    [
      'nobody else has data',
      'replay',
      { data: { node1: salvage('live', 10), node2: salvage('live', 9), node3: salvage('live', 8) } },
      false,
      'every member that has data is up',
    ],
    [
      'a raw database is older',
      'raw',
      {},
      false,
      'node3 at revision 3851 (The log could not be replayed: walpb: crc mismatch), and node2 has revision 4030',
    ],
    [
      'a raw database is the best',
      'raw',
      { data: { node1: salvage('raw', 10), node2: none, node3: none } },
      true,
      'node1 at revision 10 (The log could not be replayed: walpb: crc mismatch) is the newest of all',
    ],
    [
      'no log had to be given up',
      'raw',
      { data: { node1: salvage('replayed', 10), node2: none, node3: none } },
      false,
      'no database was left whose log could not be replayed',
    ],
    ['none was named', 'backup', {}, false, 'no backup was named'],
    [
      'it is older',
      'backup',
      { ...withBackup(), examined: examined(7) },
      false,
      'node2 at revision 7, and node2 has revision 4030',
    ],
    [
      'it is newer',
      'backup',
      { ...withBackup(), examined: examined(9999) },
      true,
      'node2 at revision 9999 is the newest of all',
    ],
    [
      'it is forced',
      'backup',
      { ...withBackup(true), examined: examined(7) },
      true,
      'node2 at revision 7, as it was asked for',
    ],
    [
      'the backup is forced',
      'replay',
      { ...withBackup(true), examined: examined(7) },
      false,
      'node2 at revision 4030, and the backup was asked for',
    ],
  ])('says, where %s, of the rung %s why', (_, rung, request, serves, why) => {
    expect(rungOf(rung, request)).toEqual({ rung, serves, why });
  });

  it('has no rung for a backup that a responder did not name', () => {
    expect(rungOf('backup', { cluster: WITH_BACKUPS })?.serves).toBe(false);
  });
});
