import { formatBytes } from '../core/text/format.ts';
import { type Growth, growthsOf } from './growth.ts';
import type { Comparison } from './part.ts';
import { describePlace } from './places.ts';
import type { PartResult } from './report.ts';
import type { Run } from './results.ts';
import { median } from './statistics.ts';

const INTRODUCTION = `# Performance

How long the runbooks take, beside what an operator would type, on real etcd whose members and hosts are all on one machine. \`npm run bench\`
measures it ([how](../CONTRIBUTING.md)), and \`npm run bench:docs\` writes this page and its plots. Everybody does the same work in turn, in
one run: **only the ratios hold on another machine**. A ratio is the runbook's median over the other's; below 1 the runbook is faster. The time over
which a runbook makes sure of an incident is policy, and does not count. On real hosts each command of Run Command takes about two seconds more
than here; [runbooks.md](runbooks.md) says how many there are.`;

export interface Page {
  markdown: string;
  /** By their file names, in a folder beside the page. */
  plots: ReadonlyMap<string, string>;
}

/**
 * docs/performance.md with its plots. Where a part was run more than once, the last counts.
 * @param draw a growth as SVG; @param folder where the plots lie, as the page names it
 */
export function renderPage(runs: readonly Run[], draw: (growth: Growth) => string, folder: string): Page {
  const plots = new Map<string, string>();
  const parts = new Map(runs.flatMap((run) => run.parts.map((part) => [part.name, { run, part }])));
  const sections = [...parts.values()].map(({ run, part }) => {
    const drawn = (growth: Growth) => {
      const file = `${part.name}-${[...plots.keys()].filter((name) => name.startsWith(`${part.name}-`)).length + 1}.svg`;
      plots.set(file, draw(growth));
      return `![${growth.compared}: ${growth.measured}, ${growth.over}](${folder}/${file})`;
    };
    return [`## ${part.name}`, describeRun(run), ...describePart(part, drawn)].join('\n\n');
  });
  return { markdown: `${[INTRODUCTION, ...sections].join('\n\n')}\n`, plots };
}

function describeRun({ startedAt, machine, etcdVersion, quick }: Run): string {
  const { platform, architecture, cores, processor, memoryBytes, loadAverage, nodeVersion } = machine;
  const busy = loadAverage >= cores ? ' The machine was busy with other work: even ratios are a hint.' : '';
  return (
    `${startedAt.slice(0, 10)}, etcd ${etcdVersion} where no other is named, Node ${nodeVersion}, ${platform} ${architecture}, ` +
    `${cores} cores${processor && ` (${processor})`}, ${formatBytes(memoryBytes)} of memory, load ${loadAverage} at the start.` +
    `${quick ? ' Quick: one run each and smaller stores, so ratios are a hint.' : ''}${busy}`
  );
}

/** @param drawn what shows a growth */
function describePart({ error, comparisons, skipped = [] }: PartResult, drawn: (growth: Growth) => string): string[] {
  if (error !== undefined) return [`It did not run: ${error}`];
  const tables = [...Map.groupBy(comparisons, ({ compared, measured }) => `${compared}: ${measured}`)];
  return [
    ...tables.flatMap(([title, group]) => [`**${title}**`, tableOf(group), ...growthsOf(group).map(drawn)]),
    ...skipped.map(({ name, reason }) => `${name} was skipped: ${reason}`),
  ];
}

/** A row for each place, a column for each who did the work. */
function tableOf(group: readonly Comparison[]): string {
  const names = [...new Set(group.flatMap(({ values }) => [...values.keys()]))];
  const [own = ''] = names;
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(['', ...names]),
    line(['---', ...names.map(() => '---:')]),
    ...group.map(({ place, unit, values }) => {
      const ownMedian = median(values.get(own) ?? []);
      const cells = names.map((name) => {
        const all = values.get(name);
        if (!all) return '';
        const middle = median(all);
        const figure = unit === 'ms' ? seconds(middle) : String(middle);
        const range = `${figure} (${[Math.min(...all), Math.max(...all)].map(unit === 'ms' ? seconds : String).join(' to ')})`;
        return name === own || middle <= 0 ? range : `${range}, ratio ${(ownMedian / middle).toFixed(2)}`;
      });
      return line([place ? describePlace(place) : '', ...cells]);
    }),
  ].join('\n');
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}
