/** The work's own end, or a rejection with the signal's reason as soon as it aborts, whether or not the work obeys it. */
export function interruptible<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/**
 * Runs the jobs, at most `limit` at a time, and gives their results in order. The first failure aborts the signal the others
 * run under, starts no more, and is thrown once all of them have stopped.
 */
export async function runTogether<T>(
  jobs: readonly ((signal: AbortSignal) => Promise<T>)[],
  limit: number,
  outer: AbortSignal,
): Promise<T[]> {
  const siblings = new AbortController();
  const signal = AbortSignal.any([siblings.signal, outer]);
  const results = new Array<T>(jobs.length);
  const failures: unknown[] = [];
  const waiting = jobs.entries();

  const lane = async () => {
    for (const [index, job] of waiting) {
      try {
        signal.throwIfAborted();
        results[index] = await job(signal);
      } catch (error) {
        failures.push(error);
        siblings.abort(error);
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, jobs.length) }, lane));
  if (failures.length > 0) throw failures[0];
  return results;
}
