import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Checked, describeChecks } from '../../cli/check-report.ts';
import { type Diagnosed, describeFleet } from '../../cli/diagnosis-report.ts';
import { forEachCluster, namesOf, summaryOf } from '../../cli/each-cluster.ts';
import type { Diagnosis } from '../../core/diagnosis/diagnosis.ts';

const named = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ name: `c${String(index).padStart(3, '0')}` }));

describe('work on every cluster of a fleet', () => {
  it('is done for so many at once and no more, and told in the order of the clusters', async () => {
    const clusters = named(50);
    let atWork = 0;
    let most = 0;
    const told = await forEachCluster(
      clusters,
      async ({ name }) => {
        atWork += 1;
        most = Math.max(most, atWork);
        // The first of each handful is the last to end.
        await sleep(name.endsWith('0') ? 10 : 1);
        atWork -= 1;
        return name;
      },
      { atOnce: 7 },
    );
    expect(told).toEqual(clusters.map(({ name }) => name));
    expect(most).toBe(7);
  });

  it('goes on with the others while one does not answer, and says which it waits for', async () => {
    const { promise: silent, resolve: answer } = Promise.withResolvers<void>();
    const done: string[] = [];
    const lines: string[] = [];
    await forEachCluster(
      named(20),
      async ({ name }) => {
        if (name === 'c003') await silent;
        done.push(name);
      },
      {
        atOnce: 2,
        reportEveryMs: 1,
        screen: {
          print: (line) => {
            lines.push(line);
            if (done.length === 19) answer();
          },
        },
      },
    );
    expect(done).toHaveLength(20);
    expect(done.at(-1)).toBe('c003');
    expect(lines.at(-1)).toMatch(/^ {2}… +\d+ ms {2}19 of 20 clusters, about \d+ s left; now: c003$/);
  });

  it('begins with so many in a second and no more', async () => {
    const begun: number[] = [];
    await forEachCluster(named(5), async () => void begun.push(performance.now()), { atOnce: 5, startEveryMs: 10 });
    // A timer may be a moment early.
    expect((begun.at(-1) ?? 0) - (begun[0] ?? 0)).toBeGreaterThanOrEqual(38);
  });

  it('begins with no other once one has thrown', async () => {
    let begun = 0;
    const failing = forEachCluster(
      named(20),
      async () => {
        begun += 1;
        throw new Error('No credentials.');
      },
      { atOnce: 2 },
    );
    await expect(failing).rejects.toThrow('No credentials.');
    expect(begun).toBeLessThanOrEqual(2);
  });
});

describe('what is told of a fleet', () => {
  it.each([
    [3, 'c000, c001, c002'],
    [9, 'c000, c001, c002, c003, c004, c005, c006, c007 and 1 other'],
    [1000, 'c000, c001, c002, c003, c004, c005, c006, c007 and 992 others'],
  ])('names the first of %i clusters', (count, names) => {
    expect(namesOf(named(count).map(({ name }) => name))).toBe(names);
  });

  it('counts each kind, in an order of its own, and says nothing of one cluster alone', () => {
    expect(summaryOf('Diagnosed', ['member-failed', 'healthy', 'away', 'healthy'], ['healthy', 'away'])).toEqual([
      '',
      'Diagnosed 4 clusters: 2 healthy, 1 away, 1 member-failed',
    ]);
    expect(summaryOf('Diagnosed', ['healthy'], [])).toEqual([]);
  });

  const diagnosis = (incident: Diagnosis['incident'], warnings: Diagnosis['warnings'] = []): Diagnosis => ({
    incident,
    warnings,
    summary: 'seen',
    others: [],
    members: [],
    hosts: [],
  });

  it('leaves out those of many of which there is nothing to say, and ends with what is wrong and how many there are', () => {
    const full = { kind: 'nearly-full', member: 'm1', message: 'soon' } as unknown as Diagnosis['warnings'][0];
    const found: Diagnosed[] = named(20).map(({ name }, index) => ({
      cluster: name,
      diagnosis: diagnosis(index === 0 ? 'member-failed' : 'healthy', index === 7 ? [full] : []),
    }));
    found[3] = { cluster: 'c003', diagnosis: null, error: 'PreconditionFailed', cause: 'No secret.' };
    const lines = describeFleet(found, ({ cluster }) => [cluster]);
    const expected = ['', 'c007', '', 'c000', '', 'c003'];
    const summary = 'Diagnosed 20 clusters: 18 healthy, 1 could not be diagnosed, 1 member-failed';
    expect(lines).toEqual([...expected, '', summary]);
    expect(describeFleet(found.slice(0, 2), ({ cluster }) => [cluster])).toEqual([
      ...['', 'c001', '', 'c000'],
      ...['', 'Diagnosed 2 clusters: 1 healthy, 1 member-failed'],
    ]);
  });

  it('is the same of a check', () => {
    const checked: Checked[] = named(12).map(({ name: cluster }) => ({
      outcome: 'Well',
      cluster,
      summary: 'Nothing was found.',
      findings: [],
      well: [],
      unchecked: [],
      certificates: [],
    }));
    checked[5] = { outcome: 'NotChecked', cluster: 'c005', error: 'AwsUnavailable', cause: 'It is away.' };
    expect(describeChecks(checked)).toEqual([
      ...['', 'c005: could not be checked', '  AwsUnavailable: It is away.'],
      ...['', 'Checked 12 clusters: 11 well, 1 could not be checked'],
    ]);
  });
});
