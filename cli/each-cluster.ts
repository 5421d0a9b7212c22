import { setTimeout as sleep } from 'node:timers/promises';
import { mapAtOnce } from '../client/at-once.ts';
import { formatMs } from './format.ts';
import type { Screen } from './screen.ts';

/** So many are named, or told of one by one; of more, the number says more than the names. */
export const FEW = 8;
const REPORT_EVERY_MS = 10_000;

export interface Pace {
  /** So many at a time: those that do not answer would take hours one after the other, and all at once would be throttled. */
  atOnce: number;
  /** Between the beginnings of two. */
  startEveryMs?: number;
  /** Shows how far it is, and what it waits for. */
  screen?: Screen;
  reportEveryMs?: number;
}

/**
 * Works on every cluster. One that does not answer keeps a place until its own time limit, and holds up no other.
 * @returns in the order of `clusters`
 */
export async function forEachCluster<Each extends { name: string }, Result>(
  clusters: readonly Each[],
  work: (cluster: Each) => Promise<Result>,
  { atOnce, startEveryMs = 0, screen, reportEveryMs = REPORT_EVERY_MS }: Pace,
): Promise<Result[]> {
  const atWork = new Set<string>();
  let done = 0;
  const begun = performance.now();
  const soFar = () => `${done} of ${count(clusters.length)}${restOf(performance.now() - begun, done, clusters.length)}`;
  using _ = screen && reportingProgress(screen, () => `${soFar()}; now: ${namesOf([...atWork])}`, reportEveryMs);
  let next = performance.now();
  return await mapAtOnce(clusters, atOnce, async (cluster) => {
    const startAt = next;
    next = Math.max(next, performance.now()) + startEveryMs;
    if (startAt > performance.now()) await sleep(startAt - performance.now());
    atWork.add(cluster.name);
    try {
      return await work(cluster);
    } finally {
      atWork.delete(cluster.name);
      done += 1;
    }
  });
}

/** Shows what is going on, until it is disposed of: on a terminal in its live line, elsewhere in a line every ten seconds. */
export function reportingProgress(screen: Screen, what: () => string, everyMs = REPORT_EVERY_MS): Disposable {
  const begun = performance.now();
  const line = () => `  … ${formatMs(Math.round(performance.now() - begun)).padStart(7)}  ${what()}`;
  if (screen.live) return screen.live(line);
  const timer = setInterval(() => screen.print(line()), everyMs).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** As long as those that are done have taken. Nothing before the first is. */
function restOf(elapsedMs: number, done: number, of: number): string {
  if (done === 0 || done === of) return '';
  return `, about ${Math.ceil(((elapsedMs / done) * (of - done)) / 1000)} s left`;
}

/** `a, b, c and 997 others` */
export function namesOf(names: readonly string[]): string {
  const others = names.length - FEW;
  if (others <= 0) return names.join(', ');
  return `${names.slice(0, FEW).join(', ')} and ${others} ${others === 1 ? 'other' : 'others'}`;
}

/** `1 cluster`, `1000 clusters` */
function count(clusters: number): string {
  return `${clusters} ${clusters === 1 ? 'cluster' : 'clusters'}`;
}

/**
 * How many of each kind there are, on one line, for more than one cluster: the last line, where a terminal shows it.
 * @param kinds of each cluster; those first that come first in `order`
 */
export function summaryOf(done: string, kinds: readonly string[], order: readonly string[]): string[] {
  if (kinds.length < 2) return [];
  const byKind = Object.entries(Object.groupBy(kinds, (kind) => kind)).toSorted(
    ([one], [other]) => placeIn(order, one) - placeIn(order, other) || (one < other ? -1 : 1),
  );
  const parts = byKind.map(([kind, all]) => `${all?.length} ${kind}`);
  return ['', `${done} ${count(kinds.length)}: ${parts.join(', ')}`];
}

function placeIn(order: readonly string[], kind: string): number {
  const place = order.indexOf(kind);
  return place < 0 ? order.length : place;
}
