import { growthLines, growthsOf } from './growth.ts';
import type { Machine } from './machine.ts';
import type { Comparison, Findings, Unit } from './part.ts';
import { describePlace } from './places.ts';
import { median } from './statistics.ts';

/** How a part went: with what it found, or with why it did not run. */
export interface PartResult extends Findings {
  name: string;
  tookMs: number;
  error?: string;
}

export interface Head {
  quick: boolean;
  etcdVersion: string;
  machine: Machine;
  /** ISO 8601. */
  startedAt: string;
}

/** What stands above the figures. */
export function headLines({ quick, etcdVersion, machine }: Head): string[] {
  const { platform, architecture, cores, loadAverage, nodeVersion } = machine;
  return [
    `etcd ${etcdVersion}, Node ${nodeVersion}, ${platform} ${architecture} with ${cores} cores, load ${loadAverage}.`,
    'A ratio is what the first of a group needs over what this one needs. Times belong to the machine.',
    ...(loadAverage >= cores
      ? ['The machine is busy with other work, which slows most what computes most: even ratios are a hint.']
      : []),
    ...(quick ? ['Quick: one run each and smaller stores, so ratios are a hint.'] : []),
  ];
}

export function partLines({ name, comparisons, skipped = [], error }: PartResult): string[] {
  if (error !== undefined) return [`${name}: it did NOT run. ${error}`];
  const titles = comparisons.map(titleOf);
  const figures = comparisons.flatMap((comparison, index) => {
    const isNext = titles[index] !== titles[index - 1];
    return [...(isNext ? [`${name}: ${titles[index]}`] : []), `  ${comparison.measured}`, ...rowLines(comparison)];
  });
  const growths = growthsOf(comparisons);
  return [
    ...figures,
    ...(growths.length > 0 ? [`${name}: how it grows`, ...growths.flatMap(growthLines)] : []),
    ...skipped.map((who) => `${name}: ${who.name} was skipped: ${who.reason}`),
  ];
}

/** `3 members, 1.0 GiB, with the alarm NOSPACE` */
function titleOf({ compared, place }: Comparison): string {
  return place ? `${describePlace(place)}, ${compared}` : compared;
}

/** For programs: a unit is a part of the name of what it measures. */
export function toJson(head: Head, results: readonly PartResult[], tookMs: number): object {
  return {
    ...head,
    tookMs,
    everyPartRan: results.every(({ error }) => error === undefined),
    parts: results.map(({ comparisons, ...result }) => ({ ...result, comparisons: comparisons.map(comparisonToJson) })),
  };
}

interface Row {
  name: string;
  values: readonly number[];
  median: number;
  /** The first row has none; nor is there one where either needs nothing at all. */
  ratio?: number;
}

function rowsOf({ values }: Comparison): Row[] {
  const [first, ...peers] = [...values].map(([name, all]) => ({ name, values: all, median: median(all) }));
  if (!first) return [];
  return [
    first,
    ...peers.map((peer) => ({
      ...peer,
      ...(first.median > 0 && peer.median > 0 && { ratio: Number((first.median / peer.median).toFixed(2)) }),
    })),
  ];
}

function rowLines(comparison: Comparison): string[] {
  const { unit } = comparison;
  return rowsOf(comparison).map(({ name, values, median, ratio }) => {
    const [middle, least, most] = [median, Math.min(...values), Math.max(...values)].map(Math.round);
    const runs = values.length === 1 ? 'one run' : `${least} to ${most}, ${values.length} runs`;
    const figures = `${values.length === 1 ? '' : 'median '}${middle} ${unit} (${runs})`;
    const compared = ratio === undefined ? '' : `ratio ${ratio.toFixed(2)}`;
    return `    ${name.padEnd(14)} ${figures.padEnd(38)} ${compared}`.trimEnd();
  });
}

export const SUFFIXES: Readonly<Record<Unit, string>> = {
  ms: 'Ms',
  writes: 'Writes',
  elections: 'Elections',
  MiB: 'MiB',
  characters: 'Characters',
};

function comparisonToJson(comparison: Comparison): object {
  const { compared, place, measured, unit } = comparison;
  const suffix = SUFFIXES[unit];
  const rows = rowsOf(comparison).map(({ name, values, median, ...ratio }) => ({
    name,
    [`values${suffix}`]: values.map(rounded),
    [`median${suffix}`]: rounded(median),
    ...ratio,
  }));
  return { compared, ...(place && { place }), measured, unit, rows };
}

function rounded(value: number): number {
  return Number(value.toFixed(1));
}
