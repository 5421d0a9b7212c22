import { describe, expect, it } from 'vitest';
import { describeAlarms, judgeHashes } from '../../../core/member-repair/judge-hashes.ts';
import { failureOf, observation, voter } from '../observations.ts';
import { corrupt, hashesOf, seen, withLast } from './readings.ts';

function dissentersIn(letters: string, heads: string[] = [], alarms = [corrupt('a3')]): string[] {
  const { dissenters } = judgeHashes(hashesOf(letters, heads), seen(letters.length, { alarms }));
  return dissenters.map(({ name }) => name);
}

describe('whose data are others than those of a majority', () => {
  it.each([
    ['all hold the same', 'aaa', []],
    ['one differs', 'aab', ['node3']],
    ['the first differs', 'baa', ['node1']],
    ['two of five differ in the same way', 'aaabb', ['node4', 'node5']],
    ['two of five differ from each other too', 'aabca', ['node3', 'node4']],
    ['one of five does not answer', 'aab-a', ['node3']],
  ])('where %s', (_, letters, expected) => {
    expect(dissentersIn(letters)).toEqual(expected);
  });

  it.each([
    ['two members differ', 'ab'],
    ['all differ', 'abc'],
    ['those that answer are half of all', 'aab--'],
    ['two of four agree', 'aabb'],
    ['the majority of those that answer is none of all voters', 'a-b'],
  ])('is nobody where %s: that is refused with the hashes', (_, letters) => {
    const failure = failureOf(() => dissentersIn(letters));
    expect(failure).toMatchObject({ name: 'UnsafeToProceed' });
    expect(failure.message).toContain(
      `no majority of all ${letters.length} voters agrees:\n- node1: hash 97 at 5000, newest 5000`,
    );
    expect(failure.message).toContain('nothing was changed');
  });

  it('is who is ahead of the others while etcd applies no write', () => {
    expect(dissentersIn('aaa', ['5000', '5000', '5001'])).toEqual(['node3']);
  });

  // Writes of clients that etcd refuses are entries of the log as well.
  it.each([
    ['one has applied fewer entries, and no hash differs', 'aaa', '4999', 'EtcdUnavailable'],
    ['one has applied fewer entries, and another hash differs', 'baa', '4999', 'node1'],
    ['one has applied fewer entries and is at the same revision', 'aaa', '5000', ''],
  ])('while etcd applies no write, and %s', (_, letters, head, expected) => {
    const members = withLast(3, voter('node3', { raftAppliedIndex: '6999', revision: head }));
    const reading = observation(members, { alarms: [corrupt('a3')] });
    let found = '';
    const judge = () => {
      found = judgeHashes(hashesOf(letters, ['5000', '5000', head]), reading)
        .dissenters.map(({ name }) => name)
        .join();
    };
    const failure = failureOf(judge).name;
    expect(failure === 'no error' ? found : failure).toBe(expected);
  });

  it('is nobody who is only ahead while writes go on', () => {
    expect(dissentersIn('aaa', ['5000', '5002', '5001'], [])).toEqual([]);
  });
});

describe('what etcd says of it', () => {
  const told = (letters: string, ...ids: string[]) => {
    const observation = seen(letters.length, { alarms: ids.map(corrupt) });
    return describeAlarms(observation, judgeHashes(hashesOf(letters), observation));
  };

  it.each([
    ['is the same', told('aab', 'a3'), 'etcd has raised CORRUPT for a3 (node3).'],
    ['is of all members', told('aab', '0'), 'etcd has raised CORRUPT for all members.'],
    ['is nothing', told('aab'), 'etcd itself has raised no alarm.'],
    ['is nothing, and nobody differs', told('aaa'), ''],
  ])('%s', (_, said, expected) => {
    expect(said).toBe(expected);
  });

  it('is another member than the hashes say, where its leader is the one that differs: that is said', () => {
    expect(told('baa', 'a2')).toMatch(
      /^etcd has raised CORRUPT for a2 \(node2\)\. The data of a2 \(node2\) agree with the majority all the same/,
    );
  });
});
