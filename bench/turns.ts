import type { Progress } from './progress.ts';

export interface Contender<Result> {
  name: string;
  run(): Promise<Result>;
}

/**
 * Lets all do the same work in turn. Each round begins with another one of them: so nobody is always the first, who may find the machine
 * in another state.
 * @returns what they came to, run by run, by their names in the order given
 * @throws Error that says who could not do it, and why
 */
export async function takeTurns<Result>(
  what: string,
  contenders: readonly Contender<Result>[],
  rounds: number,
  { say }: Progress,
): Promise<Map<string, Result[]>> {
  const results = new Map(contenders.map(({ name }): [string, Result[]] => [name, []]));
  const total = rounds * contenders.length;
  for (let turn = 0; turn < total; turn++) {
    const round = Math.floor(turn / contenders.length);
    const { name, run } = contenders[(turn + round) % contenders.length] as Contender<Result>;
    const startedAt = performance.now();
    results.get(name)?.push(await run().catch((error: unknown) => fail(what, name, error)));
    const seconds = (performance.now() - startedAt) / 1000;
    if (seconds >= 2) say(`${what}: run ${turn + 1} of ${total} (${name}) took ${seconds.toFixed(1)} s`);
  }
  return results;
}

function fail(what: string, name: string, error: unknown): never {
  throw new Error(`${what}, ${name}: ${error instanceof Error ? error.message : error}`, { cause: error });
}

/** One figure of each result. */
export function figures<Result>(
  results: ReadonlyMap<string, readonly Result[]>,
  figure: (result: Result) => number,
): Map<string, number[]> {
  return new Map([...results].map(([name, all]) => [name, all.map(figure)]));
}
