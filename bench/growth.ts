import type { Comparison, Place } from './part.ts';
import { describeMembers } from './places.ts';
import { median } from './statistics.ts';

/** How the median of a time in milliseconds grows with one of the two that make a place, while the other stays the same. */
export interface Growth {
  compared: string;
  measured: string;
  /** `over the size, 3 members`, `over the members, 256.0 MiB` */
  over: string;
  axis: 'size' | 'members';
  /** What grows: `256.0 MiB` or `3`, and how much that is: bytes, or members. */
  steps: readonly { title: string; amount: number }[];
  /** By who did the work, a median a step. */
  medians: ReadonlyMap<string, readonly number[]>;
}

/** Of all times that were measured at more than one place. */
export function growthsOf(comparisons: readonly Comparison[]): Growth[] {
  const times = comparisons.filter(({ unit }) => unit === 'ms');
  const alike = Map.groupBy(times, ({ compared, measured }) => `${compared}\n${measured}`);
  return [...alike.values()].flatMap((group) => {
    const placed = group.filter((each): each is Placed => each.place !== undefined);
    return [
      ...growthsAlong(placed, 'size', ({ members }) => members),
      ...growthsAlong(placed, 'members', ({ store }) => store.title),
    ];
  });
}

type Placed = Comparison & { place: Place };

function growthsAlong(placed: readonly Placed[], axis: Growth['axis'], fixed: (place: Place) => unknown): Growth[] {
  const amountOf = ({ store, members }: Place) => (axis === 'size' ? store.sizeBytes : members);
  return [...Map.groupBy(placed, ({ place }) => fixed(place)).values()]
    .filter((steps) => steps.length > 1)
    .map((unsorted) => {
      const steps = unsorted.toSorted((one, other) => amountOf(one.place) - amountOf(other.place));
      const [first] = steps as [Placed];
      const names = [...first.values.keys()].filter((name) => steps.every(({ values }) => values.has(name)));
      return {
        compared: first.compared,
        measured: first.measured,
        over:
          axis === 'size'
            ? `over the size, ${describeMembers(first.place.members)}`
            : `over the members, ${first.place.store.title}`,
        axis,
        steps: steps.map(({ place }) => ({
          title: axis === 'size' ? place.store.title : String(place.members),
          amount: amountOf(place),
        })),
        medians: new Map(names.map((name) => [name, steps.map(({ values }) => median(values.get(name) ?? []))])),
      };
    });
}

/** A table of text, with how many times the first step each other one takes. */
export function growthLines({ compared, measured, over, steps, medians }: Growth): string[] {
  const width = 20;
  return [
    `  ${compared}: ${measured}, ${over} (ms, and how many times the first)`,
    `    ${''.padEnd(14)}${steps.map(({ title }) => title.padStart(width)).join('')}`,
    ...[...medians].map(([name, values]) => {
      const cells = values.map((value, index) => {
        const [first = 0] = values;
        const times = index === 0 || first === 0 ? '' : ` (${(value / first).toFixed(1)} x)`;
        return `${Math.round(value)}${times}`.padStart(width);
      });
      return `    ${name.padEnd(14)}${cells.join('')}`;
    }),
  ];
}
