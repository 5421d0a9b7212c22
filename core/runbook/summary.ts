/** What a step has found or done, in a sentence, in its output: the console, the log, the API and the command line show it. */
export interface Summarized {
  summary: string;
}

/** `ArchiveDataDir` -> `archive data dir` */
export function words(action: string): string {
  return action.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();
}

/** `2` -> `second` */
export function ordinal(count: number): string {
  return ['first', 'second', 'third'][count - 1] ?? `${count}th`;
}

/** What a reading says that has shown the same as those before it. */
export function sameAgain(readings: number): string {
  return `The same for the ${ordinal(readings)} time.`;
}
