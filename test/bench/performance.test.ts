import { describe, expect, it } from 'vitest';
import { growthsOf } from '../../bench/growth.ts';
import type { Comparison } from '../../bench/part.ts';
import { renderPage } from '../../bench/performance.ts';
import { storeOf } from '../../bench/places.ts';
import { drawGrowth } from '../../bench/plot.ts';
import { type Head, toJson } from '../../bench/report.ts';
import { type Run, readRun } from '../../bench/results.ts';

const HEAD: Head = {
  quick: false,
  etcdVersion: '3.5.16',
  startedAt: '2026-02-03T04:05:06.000Z',
  machine: {
    ...{ platform: 'linux', architecture: 'x64', cores: 2, processor: 'A processor', memoryBytes: 2 ** 33 },
    ...{ loadAverage: 0.1, nodeVersion: '24.0.0' },
  },
};
const comparisons = [1, 2].map(
  (gib): Comparison => ({
    compared: 'a <full> store',
    place: { store: storeOf(gib * 2 ** 30), members: 3 },
    measured: 'until a write is accepted',
    unit: 'ms',
    values: new Map([
      ['runbook', [gib * 1_000, gib * 1_100, gib * 1_200]],
      ['bare commands', [gib * 1_000, gib * 1_000, gib * 1_000]],
    ]),
  }),
);
const results = (name: string) => JSON.stringify(toJson(HEAD, [{ name, tookMs: 1, comparisons }], 1));

describe('the page of a benchmark', () => {
  it('has a table with ratios, the machine and the date, and a plot for each growth', () => {
    const { markdown, plots } = renderPage([readRun(results('space'), 'results.json')], () => '<svg/>', 'plots');
    expect(markdown).toContain(
      '2026-02-03, etcd 3.5.16 where no other is named, Node 24.0.0, linux x64, 2 cores (A processor)',
    );
    expect(markdown).toContain(
      '| 3 members, 2.0 GiB | 2.20 s (2.00 s to 2.40 s) | 2.00 s (2.00 s to 2.00 s), ratio 1.10 |',
    );
    expect([...plots]).toEqual([['space-1.svg', '<svg/>']]);
    expect(markdown).toContain('over the size, 3 members](plots/space-1.svg)');
  });

  it('takes parts from several runs, the last of each', () => {
    const older = { ...JSON.parse(results('space')), etcdVersion: '3.4.0' };
    const runs = [JSON.stringify(older), results('recovery'), results('space')].map((text) => readRun(text, 'x.json'));
    const { markdown } = renderPage(runs, () => '', 'plots');
    expect(markdown.match(/^## .+$/gm)).toEqual(['## space', '## recovery']);
    expect(markdown).not.toContain('3.4.0');
  });

  it('puts the places of several runs into one table, and says of each run which it measured', () => {
    const [first, second] = comparisons.map((comparison) =>
      readRun(JSON.stringify(toJson(HEAD, [{ name: 'space', tookMs: 1, comparisons: [comparison] }], 1)), 'x.json'),
    ) as [Run, Run];
    const { markdown, plots } = renderPage([first, second], () => '', 'plots');
    expect(markdown.match(/^\| 3 members, \d/gm)).toEqual(['| 3 members, 1', '| 3 members, 2']);
    expect(markdown).toContain('at the start. This run measured: 3 members, 2.0 GiB.');
    expect([...plots.keys()]).toEqual(['space-1.svg']);
  });

  it('is refused for results of another shape', () => {
    expect(() => readRun('{"parts":[]}', 'old.json')).toThrow(/^old\.json has .* problems/);
  });
});

it('a growth is drawn as SVG that stands by itself, a line for each who did the work', () => {
  const svg = growthsOf(comparisons).map(drawGrowth).join();
  expect(svg).toMatch(/^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  expect(svg).toContain('a &lt;full&gt; store');
  for (const text of [
    'runbook',
    'bare commands',
    'until a write is accepted, over the size, 3 members (seconds)',
    '2.0 GiB',
  ])
    expect(svg).toContain(text);
});
