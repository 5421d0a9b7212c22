const SLOW_MS = 2_000;
const AGAIN_MS = 10_000;

/** Tells on standard error what a part is doing: standard output is for its figures. */
export class Progress {
  readonly #part: string;

  constructor(part: string) {
    this.#part = part;
  }

  readonly say = (line: string): void => {
    process.stderr.write(`  ${this.#part}: ${line}\n`);
  };

  /** Says that `what` goes on once it takes long, and then again and again. */
  async during<Result>(what: string, work: Promise<Result>): Promise<Result> {
    const startedAt = performance.now();
    const goesOn = () => this.say(`… ${what} (${Math.round((performance.now() - startedAt) / 1000)} s)`);
    let again: NodeJS.Timeout | undefined;
    const first = setTimeout(() => {
      goesOn();
      again = setInterval(goesOn, AGAIN_MS);
    }, SLOW_MS);
    try {
      return await work;
    } finally {
      clearTimeout(first);
      clearInterval(again);
    }
  }
}
