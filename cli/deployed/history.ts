import { GetExecutionHistoryCommand, type HistoryEvent, type SFNClient } from '@aws-sdk/client-sfn';

const PAGE = 200;

/** An execution's history, as it grows. */
export class History {
  /** What has not been looked at, in order. */
  readonly events: HistoryEvent[] = [];
  readonly #client: SFNClient;
  readonly #executionArn: string;
  #lastId = 0;

  constructor(client: SFNClient, executionArn: string) {
    this.#client = client;
    this.#executionArn = executionArn;
  }

  /** Reads what is new, from the end backwards: most often that is less than a page. @returns whether anything is there to be looked at */
  async read(): Promise<boolean> {
    const found: HistoryEvent[] = [];
    let nextToken: string | undefined;
    do {
      const page = await this.#client.send(
        new GetExecutionHistoryCommand({
          executionArn: this.#executionArn,
          reverseOrder: true,
          maxResults: PAGE,
          nextToken,
        }),
      );
      found.push(...(page.events ?? []).filter(({ id = 0 }) => id > this.#lastId));
      const oldest = page.events?.at(-1)?.id ?? 0;
      nextToken = oldest > this.#lastId + 1 ? page.nextToken : undefined;
    } while (nextToken);
    for (const event of found.reverse()) {
      // They are numbered without a gap: where one is missing, it is not to be seen yet, and comes with the next reading.
      if (event.id !== this.#lastId + 1) break;
      this.#lastId = event.id;
      this.events.push(event);
    }
    return this.events.length > 0;
  }
}

/** Whether a task waits for someone's answer from now on. */
export function waitsForAnswer({ taskSubmittedEventDetails }: HistoryEvent): boolean {
  return taskSubmittedEventDetails?.resource?.endsWith('.waitForTaskToken') ?? false;
}

export function isEnd({ type }: HistoryEvent): boolean {
  return /^Execution(Succeeded|Failed|Aborted|TimedOut)$/.test(type ?? '');
}
