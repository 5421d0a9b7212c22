import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { seenLog } from '../../core/hosts/service-commands.ts';
import { LOG_FILE, SEEN, WRITTEN, writeLog } from './held-data.ts';
import { inspect } from './inspected-host.ts';
import { PreparedHost } from './prepared-host.ts';
import { BOOTSTRAP, entry, logFile, metadata } from './raft-log.ts';
import { callsOn, controlUnit, onPrepared } from './recovery-host.ts';
import { refuse, succeed } from './script.ts';

describe('control-service asks whether the data is still there', () => {
  /** A stopped member whose log was seen to hold this, and that notes what systemctl is asked to do. */
  function hostHolding(records = WRITTEN): PreparedHost {
    const prepared = new PreparedHost();
    prepared.makeDataDir('data', 'x');
    writeLog(prepared.path('data/member/wal'), logFile(records));
    controlUnit(prepared);
    return prepared;
  }
  const remove = (prepared: PreparedHost, path: string) => rmSync(prepared.path(path), { recursive: true });
  const otherCluster = (prepared: PreparedHost) => {
    const content = logFile(WRITTEN);
    const [own, other] = [metadata(0x8e9e05c52164694dn, 0xc1n), metadata(0x8e9e05c52164694dn, 0xc2n)];
    content.set(other, content.indexOf(own));
    writeLog(prepared.path('data/member/wal'), content);
  };
  /** What systemctl was asked to do. */
  const actionsOn = (prepared: PreparedHost) => callsOn(prepared).map((call) => call.split(' ')[0]);
  const STARTS = ['start', 'start-without-waiting', 'restart'];

  it.each(STARTS)('and does what it is told, where it is: %s', async (action) => {
    using prepared = hostHolding();
    await succeed(prepared.access, 'control-service', onPrepared(prepared, action, SEEN));
    expect(actionsOn(prepared)).toEqual(['start']);
  });

  it.each<[string, (prepared: PreparedHost) => void, string, RegExp]>([
    [
      'its data dir is gone',
      (prepared) => remove(prepared, 'data'),
      'data-gone',
      /There is no log of etcd in .*data\/member\/wal/,
    ],
    ['its data dir is empty', (prepared) => remove(prepared, 'data/member'), 'data-gone', /would begin empty/],
    [
      'its log is gone, and its database is left',
      (prepared) => remove(prepared, 'data/member/wal'),
      'data-gone',
      /no log/,
    ],
    [
      'it has begun empty since, under the same IDs',
      (prepared) => writeLog(prepared.path('data/member/wal'), logFile(BOOTSTRAP)),
      'data-gone',
      /holds nothing that anyone has written/,
    ],
    [
      'its log has no record any more',
      (prepared) => prepared.write(`data/member/wal/${LOG_FILE}`, '\0'.repeat(4096)),
      'data-gone',
      /holds nothing/,
    ],
    ['the data is of another cluster', otherCluster, 'data-changed', /is of the cluster c2, and it was of c1 when/],
    [
      'its log cannot be read any more',
      (prepared) => prepared.write(`data/member/wal/${LOG_FILE}`, 'x'.repeat(4096)),
      'data-changed',
      /begin of the log in .* cannot be read/,
    ],
    [
      'its log is an older one',
      (prepared) => writeLog(prepared.path('data/member/wal'), logFile([...BOOTSTRAP, entry(4, 0)])),
      'data-changed',
      /ends at index 4, and went up to 9 at least/,
    ],
  ])('and starts nothing where %s', async (_, change, refusal, says) => {
    for (const action of STARTS) {
      using prepared = hostHolding([...WRITTEN, ...[5, 6, 7, 8, 9].map((index) => entry(index, 0))]);
      const seen = onPrepared(prepared, action, { ...SEEN, commitIndex: '9' });
      change(prepared);
      const refused = await refuse(prepared.access, 'control-service', seen);
      expect(refused).toEqual({ exitCode: 66, refusal, message: expect.stringMatching(says) });
      expect(refused.message).toMatch(/nothing was started/i);
      expect(actionsOn(prepared)).toEqual([]);
    }
  });

  it('and starts a member that was killed before it noted in its log a snapshot that it had received', async () => {
    using prepared = hostHolding();
    prepared.write('data/member/snap/0000000000000001-0000000000000064.snap', 'x');
    const seen = await inspect(prepared);
    expect(seen.raftLog).toMatchObject({ commitIndex: '100', lastIndex: '4' });
    await succeed(prepared.access, 'control-service', onPrepared(prepared, 'start', seenLog(seen)));
    expect(actionsOn(prepared)).toEqual(['start']);
  });

  it('also of a log outside of the data dir', async () => {
    using prepared = hostHolding();
    const seen = onPrepared(prepared, 'start', { ...SEEN, walDir: prepared.path('wal') });
    expect(await refuse(prepared.access, 'control-service', seen)).toMatchObject({ refusal: 'data-gone' });
    writeLog(prepared.path('wal'));
    await succeed(prepared.access, 'control-service', seen);
  });

  it('and stops what runs whatever is there, and leaves running what runs already', async () => {
    using prepared = hostHolding();
    await succeed(prepared.access, 'control-service', onPrepared(prepared, 'start', SEEN));
    remove(prepared, 'data');
    await succeed(prepared.access, 'control-service', onPrepared(prepared, 'start', SEEN));
    const refused = await refuse(prepared.access, 'control-service', onPrepared(prepared, 'restart', SEEN));
    expect(refused).toMatchObject({ exitCode: 66, refusal: 'data-gone' });
    expect(actionsOn(prepared)).toEqual(['start']);
    await succeed(prepared.access, 'control-service', onPrepared(prepared, 'stop'));
    expect(actionsOn(prepared)).toEqual(['start', 'stop']);
  });
});
