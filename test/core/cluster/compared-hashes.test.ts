import { expect, it } from 'vitest';
import { requireSameData } from '../../../core/cluster/compared-hashes.ts';
import { failureOf } from '../observations.ts';

/** `17@5`: the hash 17 of data that is compacted up to revision 5. */
function compare(...hashes: string[]) {
  return requireSameData(
    '40',
    hashes.map((text, index) => {
      const [hash, compactRevision] = text.split('@') as [string, string];
      return { name: `node${index + 1}`, hash: Number(hash), compactRevision };
    }),
  );
}

it('members with one hash hold the same data', () => {
  expect(compare('17@5', '17@5', '17@5')).toEqual({
    revision: '40',
    hash: 17,
    members: ['node1', 'node2', 'node3'],
    summary: 'The same at revision 40 on node1, node2, node3.',
  });
});

it.each([
  ['the first', ['18@5', '17@5', '17@5']],
  ['the last', ['17@5', '17@5', '18@5']],
])('members hold different data where %s has another hash, and nothing says which is right', (_, hashes) => {
  const { name, message } = failureOf(() => compare(...hashes));
  expect(name).toBe('UnsafeToProceed');
  expect(message).toContain('different data at revision 40: node1 1');
  expect(message).toContain('has its data from the leader, so that these two agree proves nothing');
});

it('members with one hash hold the same data, although one that has started since tells another compaction', () => {
  expect(compare('17@16', '17@21', '17@16')).toMatchObject({ hash: 17 });
});

it('hashes that differ say nothing while a compaction is under way, which is waited for', () => {
  expect(failureOf(() => compare('17@5', '18@6', '17@5'))).toMatchObject({
    name: 'EtcdUnavailable',
    message:
      'Hashes of data that is compacted up to different revisions cannot be compared: node1 5, node2 6, node3 5. A compaction is under way.',
  });
});
