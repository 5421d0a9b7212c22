import { describe, expect, it } from 'vitest';
import { growthLines, growthsOf } from '../../bench/growth.ts';
import type { Comparison } from '../../bench/part.ts';
import { storeOf } from '../../bench/places.ts';

const MIB = 2 ** 20;

function comparisonOf(sizeMiB: number, members: number, medians: Record<string, number>): Comparison {
  const values = new Map(Object.entries(medians).map(([name, median]) => [name, [median - 1, median, median + 5]]));
  const place = { store: storeOf(sizeMiB * MIB), members };
  return { compared: 'a full store', place, measured: 'until a write is accepted', unit: 'ms', values };
}

const MEASURED = [
  comparisonOf(1024, 3, { runbook: 300, typed: 250 }),
  comparisonOf(256, 3, { runbook: 100, typed: 0 }),
  comparisonOf(256, 1, { runbook: 50, typed: 40 }),
];

describe('how time grows', () => {
  it('is told over the size with the same members, and over the members with the same size', () => {
    const common = { compared: 'a full store', measured: 'until a write is accepted' };
    expect(growthsOf(MEASURED)).toEqual([
      {
        ...{ ...common, over: 'over the size, 3 members', axis: 'size' },
        steps: [
          { title: '256.0 MiB', amount: 256 * MIB },
          { title: '1.0 GiB', amount: 1024 * MIB },
        ],
        medians: new Map([
          ['runbook', [100, 300]],
          ['typed', [0, 250]],
        ]),
      },
      {
        ...{ ...common, over: 'over the members, 256.0 MiB', axis: 'members' },
        steps: [
          { title: '1', amount: 1 },
          { title: '3', amount: 3 },
        ],
        medians: new Map([
          ['runbook', [50, 100]],
          ['typed', [40, 0]],
        ]),
      },
    ]);
  });

  it('is told of whoever was measured everywhere', () => {
    const [growth] = growthsOf([comparisonOf(256, 3, { runbook: 1 }), comparisonOf(512, 3, { runbook: 2, late: 3 })]);
    expect([...(growth?.medians.keys() ?? [])]).toEqual(['runbook']);
  });

  it('is a table, with how many times the first step each takes', () => {
    const lines = growthsOf(MEASURED)
      .flatMap(growthLines)
      .map((line) => line.trim().replaceAll(/ {2,}/g, ' | '));
    expect(lines).toEqual([
      'a full store: until a write is accepted, over the size, 3 members (ms, and how many times the first)',
      '256.0 MiB | 1.0 GiB',
      'runbook | 100 | 300 (3.0 x)',
      'typed | 0 | 250',
      'a full store: until a write is accepted, over the members, 256.0 MiB (ms, and how many times the first)',
      '1 | 3',
      'runbook | 50 | 100 (2.0 x)',
      'typed | 40 | 0 (0.0 x)',
    ]);
  });

  it('is not told of what is no time', () => {
    expect(growthsOf(MEASURED.map((each) => ({ ...each, unit: 'writes' })))).toEqual([]);
  });

  it('is not told of what was measured in one place', () => {
    expect(growthsOf(MEASURED.slice(0, 1))).toEqual([]);
    const { place: _, ...nowhere } = MEASURED[0] as Comparison;
    expect(growthsOf([nowhere, nowhere])).toEqual([]);
  });
});
