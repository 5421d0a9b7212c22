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
which a runbook makes sure of an incident is policy, and does not count. A quorum recovery inspects the hosts in its last five seconds, so these do
not count either. On real hosts each command of Run Command takes about two seconds more than here; [runbooks.md](runbooks.md) says how many there are.
What is written is text of which gzip makes about a quarter. Before a reclaim of space ends, it reads keys for its report, for three seconds at most and
16 MiB in each: etcd takes writes then.`;

export interface Page {
  markdown: string;
  /** By their file names, in a folder beside the page. */
  plots: ReadonlyMap<string, string>;
}

/**
 * docs/performance.md with its plots. A part may have been run more than once, for other places; of the same comparison the last counts.
 * @param draw a growth as SVG; @param folder where the plots lie, as the page names it
 */
export function renderPage(runs: readonly Run[], draw: (growth: Growth) => string, folder: string): Page {
  const plots = new Map<string, string>();
  const parts = Map.groupBy(
    runs.flatMap((run) => run.parts.map((part): Measured => ({ run, part }))),
    ({ part }) => part.name,
  );
  const sections = [...parts].map(([name, measured]) => {
    const drawn = (growth: Growth) => {
      const file = `${name}-${[...plots.keys()].filter((plot) => plot.startsWith(`${name}-`)).length + 1}.svg`;
      plots.set(file, draw(growth));
      return `![${growth.compared}: ${growth.measured}, ${growth.over}](${folder}/${file})`;
    };
    return [`## ${name}`, ...describePart(withoutRepeats(measured), drawn)].join('\n\n');
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

/** One part of one run. */
interface Measured {
  run: Run;
  part: PartResult;
}

/** What a later run has measured once more is taken out of the earlier one, and that goes if it has nothing else. */
function withoutRepeats(measured: readonly Measured[]): Measured[] {
  const keyOf = ({ compared, place, measured }: Comparison) => JSON.stringify([compared, place, measured]);
  const seen = new Set<string>();
  return measured
    .toReversed()
    .map(({ run, part }) => {
      const comparisons = part.comparisons.filter((comparison) => !seen.has(keyOf(comparison)));
      for (const comparison of comparisons) seen.add(keyOf(comparison));
      return { run, part: { ...part, comparisons } };
    })
    .filter(({ part }) => part.comparisons.length > 0 || part.error !== undefined)
    .toReversed();
}

/** @param drawn what shows a growth */
function describePart(measured: readonly Measured[], drawn: (growth: Growth) => string): string[] {
  const tables = Map.groupBy(
    measured.flatMap(({ part }) => part.comparisons),
    ({ compared, measured }) => `${compared}: ${measured}`,
  );
  return [
    ...measured.map(({ run, part }) => describeRun(run) + (measured.length > 1 ? describePlaces(part) : '')),
    ...measured.flatMap(({ part }) => (part.error === undefined ? [] : [`It did not run: ${part.error}`])),
    ...[...tables].flatMap(([title, group]) => [`**${title}**`, tableOf(group), ...growthsOf(group).map(drawn)]),
    ...measured.flatMap(({ part }) => (part.skipped ?? []).map(({ name, reason }) => `${name} was skipped: ${reason}`)),
  ];
}

/** Which of the places were measured in this run. */
function describePlaces({ comparisons }: PartResult): string {
  const places = new Set(comparisons.flatMap(({ place }) => (place ? [describePlace(place)] : [])));
  return places.size === 0 ? '' : ` This run measured: ${[...places].join('; ')}.`;
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
        const between = `${[Math.min(...all), Math.max(...all)].map(unit === 'ms' ? seconds : String).join(' to ')}`;
        const range = `${figure} (${all.length === 1 ? 'one run' : between})`;
        return name === own || middle <= 0 ? range : `${range}, ratio ${(ownMedian / middle).toFixed(2)}`;
      });
      return line([place ? describePlace(place) : '', ...cells]);
    }),
  ].join('\n');
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}
