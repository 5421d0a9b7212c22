import { describe, expect, it } from 'vitest';
import { describeFilling, nameOfGroup, summarizeStore } from '../../../core/space-reclaim/describe-store.ts';
import { KeyTally, revisionsAfter, type SeenKey } from '../../../core/space-reclaim/key-tally.ts';
import type { StoreAnalysis } from '../../../core/space-reclaim/store-analysis.ts';

function keyOf(key: string, differences: Partial<SeenKey> = {}): SeenKey {
  return { key, valueBytes: 100, version: 1, createRevision: 10n, modRevision: 10n, lease: '0', ...differences };
}

/** As etcd gives them: in the order of their bytes. */
function tallied(keys: readonly SeenKey[], options: Partial<ConstructorParameters<typeof KeyTally>[0]> = {}) {
  const tally = new KeyTally({ compactRevision: 0n, keys: false, ...options });
  for (const key of keys.toSorted((one, other) => (one.key < other.key ? -1 : 1))) tally.add(key);
  return tally.end();
}

function many(prefix: string, count: number, differences: Partial<SeenKey> = {}): SeenKey[] {
  return Array.from({ length: count }, (_, index) => keyOf(`${prefix}${String(index).padStart(6, '0')}`, differences));
}

/** `/a/: 3 keys` */
function rowsOf(keys: readonly SeenKey[]): string[] {
  return tallied(keys).groups.map((group) => `${nameOfGroup(group)}: ${group.keys}`);
}

describe('the table of what fills a store', () => {
  it('has Kubernetes by resource, the largest first', () => {
    const rows = rowsOf([
      ...many('/registry/pods/default/', 50),
      ...many('/registry/pods/kube-system/', 50),
      ...many('/registry/events/default/', 300),
      ...many('/registry/cilium.io/ciliumnodes/', 80),
      ...many('/registry/services/specs/default/', 40),
    ]);
    expect(rows).toEqual([
      '/registry/events/: 300',
      '/registry/pods/: 100',
      '/registry/cilium.io/ciliumnodes/: 80',
      '/registry/services/specs/: 40',
    ]);
  });

  it('goes as deep as the keys differ, and no deeper than what has something in it', () => {
    const users = Array.from({ length: 500 }, (_, user) =>
      keyOf(`/app/users/${String(user).padStart(4, '0')}/profile`),
    );
    expect(rowsOf([...users, ...many('/app/jobs/queue/', 100)])).toEqual(['/app/users/: 500', '/app/jobs/queue/: 100']);
  });

  it('keeps what is small with the prefix around it', () => {
    const rows = rowsOf([...many('/a/large/', 1000), ...many('/a/small/', 3), ...many('/a/tiny/', 2), keyOf('plain')]);
    expect(rows).toEqual(['/a/large/: 1000', '/a/ (others): 5', '(all other keys): 1']);
  });

  it('counts keys without a prefix together', () => {
    expect(rowsOf(many('key-', 30))).toEqual(['(keys without a prefix): 30']);
  });

  it('is no longer than twenty rows, and leaves nothing out', () => {
    const keys = Array.from({ length: 40 }, (_, index) => many(`/p${String(index).padStart(2, '0')}/`, 50)).flat();
    const { groups, total } = tallied(keys);
    expect(groups.length).toBeLessThanOrEqual(20);
    for (const field of ['keys', 'bytes', 'revisions', 'revisionBytes'] as const) {
      expect(groups.reduce((sum, group) => sum + group[field], 0)).toBe(total[field]);
    }
    expect(total.keys).toBe(2000);
  });

  it('shows many small keys beside a few large ones', () => {
    const rows = rowsOf([...many('/blobs/', 3, { valueBytes: 1_000_000 }), ...many('/locks/', 400, { valueBytes: 1 })]);
    expect(rows).toEqual(['/blobs/: 3', '/locks/: 400']);
  });

  it('is of bytes: the key and the value, for each revision', () => {
    const { groups } = tallied([keyOf('/a/b', { valueBytes: 96, version: 5, modRevision: 20n })]);
    expect(groups).toMatchObject([{ prefix: '/a/', keys: 1, bytes: 100, revisions: 5, revisionBytes: 500 }]);
  });

  it('counts keys with a lease, and each lease once', () => {
    const keys = ['1', '1', '2', '0'].map((lease, index) => keyOf(`/a/${index}`, { lease }));
    expect(tallied(keys).groups).toMatchObject([{ keys: 4, keysWithLease: 3, leases: 2 }]);
  });

  it('does not grow with the number of keys: what is small when it is over is folded', () => {
    const tally = new KeyTally({ compactRevision: 0n, keys: false });
    for (let user = 0; user < 20_000; user++) tally.add(keyOf(`/u/${String(user).padStart(6, '0')}/p/q/r`));
    const { groups } = tally.end();
    expect(groups).toMatchObject([{ prefix: '/u/', keys: 20_000 }]);
  });

  it('names no single key unless it is asked to, and the largest then', () => {
    const keys = [
      ...many('/a/', 30),
      keyOf('/a/blob', { valueBytes: 5_000 }),
      keyOf('/a/hot', { version: 900, modRevision: 2_000n }),
    ];
    expect(tallied(keys).largestKeys).toEqual([]);
    const { largestKeys } = tallied(keys, { keys: true });
    expect(largestKeys).toHaveLength(10);
    expect(largestKeys.slice(0, 2).map(({ key }) => key)).toEqual(['/a/hot', '/a/blob']);
  });
});

describe('how many revisions of a key are kept', () => {
  const kept = (differences: Partial<SeenKey>, compactRevision: bigint) =>
    tallied([keyOf('/a/b', differences)], { compactRevision }).total.revisions;

  it.each<[string, Partial<SeenKey>, bigint, number]>([
    ['is all, where nothing was compacted', { version: 7, createRevision: 10n, modRevision: 90n }, 0n, 7],
    ['is one, where all were before the compaction', { version: 7, createRevision: 10n, modRevision: 90n }, 90n, 1],
    ['is all, where it was created after it', { version: 7, createRevision: 10n, modRevision: 90n }, 9n, 7],
    ['is the last before it and those after it', { version: 11, createRevision: 100n, modRevision: 200n }, 150n, 6],
    ['is at least two, where one came after it', { version: 2, createRevision: 1n, modRevision: 1000n }, 999n, 2],
  ])('%s', (_, differences, compactRevision, revisions) => {
    expect(kept(differences, compactRevision)).toBe(revisions);
  });

  it('is never more than there were revisions at all', () => {
    expect(revisionsAfter(keyOf('a', { version: 50, createRevision: 1n, modRevision: 60n }), 58n)).toBeLessThanOrEqual(
      2,
    );
  });
});

describe('growth', () => {
  it('is what was created and written since, by prefix', () => {
    const keys = [
      ...many('/old/', 50, { createRevision: 5n, modRevision: 5n }),
      ...many('/new/', 20, { createRevision: 120n, modRevision: 130n, version: 3 }),
      ...many('/hot/', 10, { createRevision: 50n, modRevision: 150n, version: 101 }),
    ];
    const { groups } = tallied(keys, { growthSince: 100n });
    const growth = Object.fromEntries(groups.map(({ prefix, growth: grown }) => [prefix, grown]));
    expect(growth['/old/']).toEqual({ keys: 0, revisions: 0, revisionBytes: 0 });
    expect(growth['/new/']).toMatchObject({ keys: 20, revisions: 60 });
    expect(growth['/hot/']).toMatchObject({ keys: 0, revisions: 500 });
  });

  it('is not told where nobody has asked for it', () => {
    expect(tallied(many('/a/', 2)).total.growth).toBeNull();
  });
});

describe('in a sentence, what fills a store', () => {
  const analysis: StoreAnalysis = {
    member: 'm2',
    revision: '900',
    newerRevisions: 0,
    compactRevision: '0',
    totalKeys: 400,
    readKeys: 400,
    isWhole: true,
    stoppedIn: '',
    ...tallied([...many('/registry/events/a/', 300), ...many('/registry/pods/a/', 100)]),
    dbSizeBytes: 1e6,
    dbSizeInUseBytes: 9e5,
    growthSeconds: 0,
    tookMs: 12,
  };

  it('says how much was read, and the first few prefixes', () => {
    expect(summarizeStore(analysis)).toMatch(
      /^400 of 400 keys read, from m2 at revision 900\. Most is in \/registry\/events\/: 75 %, .* in 300 keys with 300 revisions; \/registry\/pods\/: 25 %/,
    );
  });

  it('says what share that is, and where it stopped', () => {
    const part = { ...analysis, totalKeys: 1600, isWhole: false, stoppedIn: '/registry/pods/' };
    expect(summarizeStore(part)).toContain(
      '400 of 1600 keys read, 25 %, from m2 at revision 900; the time was over in /registry/pods/.',
    );
  });

  it('is the end of an error, with what to type for more', () => {
    expect(describeFilling(analysis, 'orders')).toMatch(
      /^\nWhat fills it \(400 of 400 keys read, .*\):\n- \/registry\/events\/: .*\n- \/registry\/pods\/: .*\n"etcd-remediation analyze orders" shows more\.$/,
    );
  });

  it('is nothing of an empty one', () => {
    expect(describeFilling({ ...analysis, ...tallied([]), totalKeys: 0, readKeys: 0 }, 'orders')).toBe('');
    expect(summarizeStore({ ...analysis, ...tallied([]), totalKeys: 0, readKeys: 0 })).toBe(
      '0 of 0 keys read, from m2 at revision 900.',
    );
  });
});
