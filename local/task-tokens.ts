import { ExecutionError } from './asl/errors.ts';
import type { JsonValue } from './asl/json.ts';

/** Waits of states that end when someone answers with their token. */
export class TaskTokens {
  readonly #waiting = new Map<
    string,
    { resolve: (output: JsonValue) => void; reject: (error: ExecutionError) => void }
  >();
  readonly #gone = new Set<string>();

  /** Until the token's answer, or `signal`, after which the token is worth nothing. */
  async wait(token: string, signal: AbortSignal): Promise<JsonValue> {
    try {
      return await new Promise((resolve, reject) => {
        signal.throwIfAborted();
        this.#waiting.set(token, { resolve, reject });
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    } finally {
      this.#waiting.delete(token);
      this.#gone.add(token);
    }
  }

  /** @returns `Gone` for a token whose wait is over, `Unknown` for one that was never waited for */
  succeed(token: string, output: JsonValue): 'Answered' | 'Gone' | 'Unknown' {
    return this.#answer(token, ({ resolve }) => resolve(output));
  }

  fail(token: string, error: string, cause: string): 'Answered' | 'Gone' | 'Unknown' {
    return this.#answer(token, ({ reject }) => reject(new ExecutionError(error, cause)));
  }

  #answer(
    token: string,
    give: (waiting: { resolve: (output: JsonValue) => void; reject: (error: ExecutionError) => void }) => void,
  ): 'Answered' | 'Gone' | 'Unknown' {
    const waiting = this.#waiting.get(token);
    if (!waiting) return this.#gone.has(token) ? 'Gone' : 'Unknown';
    // At once: the next answer finds it gone.
    this.#waiting.delete(token);
    this.#gone.add(token);
    give(waiting);
    return 'Answered';
  }
}
