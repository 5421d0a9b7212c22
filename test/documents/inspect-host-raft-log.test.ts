import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { inspect } from './inspected-host.ts';
import { PreparedHost } from './prepared-host.ts';
import { BOOTSTRAP, entry, logFile, snapshot, state } from './raft-log.ts';

const FIRST = '0000000000000000-0000000000000000.wal';
const MIB = 1024 * 1024;

/** A host whose member has these files. */
function hostWith(files: Readonly<Record<string, Buffer>>): PreparedHost {
  const host = new PreparedHost();
  host.makeDataDir('data', 'x');
  mkdirSync(host.path('data/member/wal'));
  for (const [name, content] of Object.entries(files)) writeFileSync(host.path(`data/member/${name}`), content);
  return host;
}

const entries = (count: number, valueBytes: number, fill = 0x61) =>
  Array.from({ length: count }, (_, index) => [
    entry(index + 4, 0, Buffer.alloc(valueBytes, fill)),
    state(index + 4),
  ]).flat();
/** What a member writes that votes for itself again and again. */
const votes = (bytes: number) => {
  const each = state(3, 1000);
  return Array.from({ length: Math.ceil(bytes / each.length) }, () => each);
};
const wal = (...records: Buffer[]) => ({ [`wal/${FIRST}`]: logFile(records) });
const nothing = { holds: 'nothing', commitIndex: '3', lastIndex: '3', commitTerm: '1', lastTerm: '1' };

describe('inspect-host tells what a log holds', () => {
  it.each<[string, Record<string, Buffer>, object]>([
    ['only its first members', wal(...BOOTSTRAP), nothing],
    ['no entry yet', wal(), { holds: 'nothing', commitIndex: '0', lastIndex: '0', commitTerm: '', lastTerm: '' }],
    ['votes for hours besides', wal(...BOOTSTRAP, ...votes(200_000)), { holds: 'nothing' }],
    [
      'votes for days',
      { [`wal/${FIRST}`]: logFile([...BOOTSTRAP, ...votes(1.2 * MIB)], 2 * MIB) },
      { holds: 'nothing' },
    ],
    [
      'what a leader writes first',
      wal(...BOOTSTRAP, entry(4, 0, Buffer.alloc(0), 2), state(4, 2)),
      { holds: 'entries', commitIndex: '4', lastIndex: '4', commitTerm: '2', lastTerm: '2' },
    ],
    [
      'an entry that is not committed yet',
      wal(...BOOTSTRAP, entry(4, 0, undefined, 5), state(3, 9)),
      { holds: 'entries', commitIndex: '3', lastIndex: '4', commitTerm: '1', lastTerm: '5' },
    ],
    [
      'an entry that took the place of others',
      wal(...BOOTSTRAP, entry(4, 0, undefined, 2), entry(5, 0, undefined, 2), entry(4, 0, undefined, 7), state(4, 7)),
      { holds: 'entries', commitIndex: '4', lastIndex: '4', commitTerm: '7', lastTerm: '7' },
    ],
    [
      'what was sent to it as a snapshot',
      wal(snapshot(4030)),
      { holds: 'entries', commitIndex: '4030', lastIndex: '4030', commitTerm: '1', lastTerm: '1' },
    ],
    [
      'what was restored',
      { ...wal(...BOOTSTRAP), 'snap/0000000000000001-0000000000000003.snap': Buffer.from('x') },
      { holds: 'entries', commitIndex: '3', lastIndex: '3' },
    ],
    [
      'a snapshot that tells more than the log',
      { ...wal(...BOOTSTRAP), 'snap/0000000000000002-00000000000186a1.snap': Buffer.from('x') },
      { holds: 'entries', commitIndex: '100001', commitTerm: '2', lastTerm: '1' },
    ],
    [
      'more than one file',
      { ...wal(...BOOTSTRAP), 'wal/0000000000000001-0000000000000fbe.wal': logFile([state(4029)]) },
      { holds: 'entries', commitIndex: '4029', lastIndex: '4029', commitTerm: '', lastTerm: '' },
    ],
    [
      'much, the end of which is found',
      { [`wal/${FIRST}`]: logFile([...BOOTSTRAP, ...entries(3000, 1000)], 64 * MIB) },
      { holds: 'entries', commitIndex: '3003', lastIndex: '3003', commitTerm: '1', lastTerm: '1' },
    ],
    [
      'values of zeros, which are no end',
      wal(...BOOTSTRAP, ...entries(6, 40_000, 0), ...entries(9, 10)),
      { holds: 'entries', lastIndex: expect.stringMatching(/^(12)?$/) },
    ],
    [
      'half a record at its end',
      wal(...BOOTSTRAP, entry(4, 0), entry(5, 0).subarray(0, 24)),
      { holds: 'entries', commitIndex: '', lastIndex: '', commitTerm: '', lastTerm: '' },
    ],
    [
      'what cannot be read',
      { [`wal/${FIRST}`]: Buffer.from('the disk has lost this, and more than this besides') },
      { holds: 'unknown' },
    ],
    [
      'what cannot be read behind its begin',
      wal(...BOOTSTRAP, Buffer.from('the disk has lost this')),
      { holds: 'unknown' },
    ],
    ['zeros alone', { [`wal/${FIRST}`]: Buffer.alloc(65_536) }, { holds: 'empty', commitIndex: '', lastIndex: '' }],
    [
      'not a byte in any of its files',
      {
        ...{ [`wal/${FIRST}`]: Buffer.alloc(0), 'wal/0000000000000001-0000000000000fbe.wal': Buffer.alloc(0) },
        'snap/0000000000000002-00000000000186a1.snap': Buffer.from('x'),
      },
      { holds: 'empty', commitIndex: '100001', lastIndex: '', commitTerm: '2' },
    ],
    [
      'something in one of its files alone',
      { [`wal/${FIRST}`]: Buffer.alloc(0), 'wal/0000000000000001-0000000000000fbe.wal': logFile([state(4029)]) },
      { holds: 'entries', commitIndex: '4029', lastIndex: '4029' },
    ],
  ])('%s', async (_, files, raftLog) => {
    using host = hostWith(files);
    expect((await inspect(host)).raftLog).toMatchObject(raftLog);
  });

  it.skipIf(process.getuid?.() === 0)('and that nobody can tell where it may not be read', async () => {
    using host = hostWith(wal(...BOOTSTRAP));
    chmodSync(host.path(`data/member/wal/${FIRST}`), 0);
    expect((await inspect(host)).raftLog).toMatchObject({ holds: 'unknown', commitIndex: '', lastIndex: '' });
  });
});
