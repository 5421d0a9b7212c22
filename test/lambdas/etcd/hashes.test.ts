import { describe, expect, it } from 'vitest';
import { PreconditionFailed } from '../../../core/errors.ts';
import type { EtcdCluster } from '../../../lambdas/etcd/cluster.ts';
import { findDivergence, readHashes } from '../../../lambdas/etcd/hashes.ts';
import { voter } from '../../core/observations.ts';

/** What a member answers: at a revision, and for the newest that it has. */
interface Answers {
  at: (revision: string) => { hash: number; compactRevision: string };
  newest?: { hash: number; compactRevision: string; revision: string };
}

function clusterOf(answers: Record<string, Answers>): { etcd: EtcdCluster; asked: string[] } {
  const asked: string[] = [];
  const member = (name: string) => ({
    hashAt: async (revision: string) => {
      asked.push(`${name} ${revision}`);
      return answers[name]?.at(revision);
    },
    newestHash: async () => {
      asked.push(`${name} newest`);
      return answers[name]?.newest;
    },
  });
  return { etcd: { member } as unknown as EtcdCluster, asked };
}

const always = (hash: number, compactRevision = '4000') => ({ at: () => ({ hash, compactRevision }) });
const compacted = {
  at: () => {
    throw new PreconditionFailed('This revision was compacted before.', 'Compacted');
  },
};
const newest = (hash: number, compactRevision = '5000', revision = '5000') => ({
  newest: { hash, compactRevision, revision },
});
const soon = () => Date.now() + 10_000;

async function read(node1: Answers, node2: Answers) {
  const { etcd, asked } = clusterOf({ node1, node2 });
  const voters = [voter('node1', { revision: '5001' }), voter('node2', { revision: '5000' })];
  const reading = await readHashes(etcd, voters, soon()).catch(({ name, message }) => ({ name, message }));
  return { reading, asked };
}

describe('the hashes of voters', () => {
  it('are those at the lowest revision of all, of one after the other', async () => {
    const { reading, asked } = await read(always(1), always(2));
    expect(reading).toEqual({
      revision: '5000',
      compactRevision: '4000',
      hashes: [
        { name: 'node1', id: 'a1', hash: 1, head: '5001' },
        { name: 'node2', id: 'a2', hash: 2, head: '5000' },
      ],
    });
    expect(asked).toEqual(['node1 5000', 'node2 5000']);
  });

  it('prove equal data also where not the same was compacted', async () => {
    const { reading, asked } = await read(always(1), always(1, '5000'));
    expect(reading).toMatchObject({ revision: '5000', hashes: [{ hash: 1 }, { hash: 1 }] });
    expect(asked).not.toContain('node1 newest');
  });

  it.each([
    ['at the compared revision, which one member remembers', always(1), always(2, '5000')],
    ['at the compared revision, for which one member gives none', always(1), compacted],
  ])('are computed anew where a compaction came in %s', async (_, one, other) => {
    const { reading } = await read({ ...one, ...newest(7) }, { ...other, ...newest(7) });
    expect(reading).toEqual({
      revision: '5000',
      compactRevision: '5000',
      hashes: [
        { name: 'node1', id: 'a1', hash: 7, head: '5000' },
        { name: 'node2', id: 'a2', hash: 7, head: '5000' },
      ],
    });
  });

  it('are waited for where a member was started again meanwhile, and has to apply its log first', async () => {
    const future = () => {
      throw new PreconditionFailed('This revision does not exist yet.', 'FutureRevision');
    };
    const { reading } = await read(always(1), { at: future });
    expect(reading).toMatchObject({
      name: 'EtcdUnavailable',
      message: expect.stringContaining('node2 has not applied revision 5000 yet'),
    });
  });

  it('are computed first while etcd applies no write: what a member remembers of a compaction may be older than the damage', async () => {
    const { etcd, asked } = clusterOf({ node1: { ...always(1), ...newest(7) }, node2: { ...always(1), ...newest(8) } });
    const voters = [voter('node1'), voter('node2')];
    const { hashes } = await readHashes(etcd, voters, soon(), true);
    expect(hashes.map(({ hash }) => hash)).toEqual([7, 8]);
    expect(asked).toEqual(['node1 newest', 'node2 newest']);
  });

  it('are those at the lowest revision where etcd applies no write and one has got ahead', async () => {
    const { etcd } = clusterOf({
      node1: { ...always(1), ...newest(7, '4000', '5001') },
      node2: { ...always(2), ...newest(8, '4000') },
    });
    const voters = [voter('node1', { revision: '5001' }), voter('node2')];
    expect(await readHashes(etcd, voters, soon(), true)).toMatchObject({
      revision: '5000',
      hashes: [{ hash: 1 }, { hash: 2 }],
    });
  });

  it.each([
    ['one has not compacted yet', newest(7, '4000'), newest(8)],
    ['writes go on meanwhile', newest(7), newest(8, '5000', '5003')],
  ])('prove nothing where they differ and %s: it is waited for', async (_, one, other) => {
    const { reading } = await read({ ...always(1), ...one }, { ...always(2, '5000'), ...other });
    expect(reading).toMatchObject({ name: 'EtcdUnavailable', message: expect.stringContaining('cannot be compared') });
  });
});

describe('since when two members differ', () => {
  const since = async (first: number, compactRevision: string, revision = '5000') => {
    const one = always(1, compactRevision);
    const other: Answers = { at: (at) => ({ hash: Number(at) < first ? 1 : 2, compactRevision }) };
    const { etcd, asked } = clusterOf({ one, other });
    const found = await findDivergence(etcd, ['one', 'other'], { revision, compactRevision, hashes: [] }, soon());
    return { found, asked };
  };

  it.each([
    ['is found', 4712, '4000', { sameAt: '4711', differentAt: '4712' }],
    ['is found at the newest revision', 5000, '4000', { sameAt: '4999', differentAt: '5000' }],
    ['is not known where all that is left differs', 1, '4000', { sameAt: '', differentAt: '4001' }],
    ['is found where nothing was ever compacted', 2, '-1', { sameAt: '1', differentAt: '2' }],
  ])('%s, in few looks', async (_, first, compactRevision, expected) => {
    const { found, asked } = await since(first, compactRevision);
    expect(found).toEqual(expected);
    expect(asked.length).toBeLessThan(30);
    // That would be the newest.
    expect(asked).not.toContain('one 0');
  });

  it('is behind the compared revision where a member has only got ahead', async () => {
    const { etcd, asked } = clusterOf({ one: always(1), other: always(1) });
    const hashes = ['one', 'other'].map((name, at) => ({ name, id: `a${at}`, hash: 1, head: `500${at}` }));
    const reading = { revision: '5000', compactRevision: '4000', hashes };
    expect(await findDivergence(etcd, ['one', 'other'], reading, soon())).toEqual({
      sameAt: '5000',
      differentAt: '5001',
    });
    expect(asked).toEqual([]);
  });

  it('stays unknown where the time is over, or a compaction comes in between', async () => {
    const { etcd } = clusterOf({ one: compacted, other: compacted });
    const reading = { revision: '5000', compactRevision: '4000', hashes: [] };
    expect(await findDivergence(etcd, ['one', 'other'], reading, soon())).toEqual({ sameAt: '', differentAt: '5000' });
    expect(await findDivergence(etcd, ['one', 'other'], reading, 0)).toEqual({ sameAt: '', differentAt: '5000' });
  });
});
