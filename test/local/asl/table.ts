import { expect, it } from 'vitest';
import { run } from './harness.ts';

interface Case {
  title: string;
  states: Record<string, unknown>;
  input?: unknown;
  output?: unknown;
  error?: string;
  cause?: string;
}

/** Runs each machine and compares its end. */
export function table(cases: Case[]) {
  it.each(cases)('$title', async ({ states, input = {}, output, error, cause }) => {
    const ended = await run(states, input);
    if (error === undefined) {
      expect(ended).toMatchObject({ status: 'SUCCEEDED' });
      expect((ended as { output: unknown }).output).toEqual(output);
    } else {
      expect(ended).toMatchObject({ status: 'FAILED', error, ...(cause !== undefined && { cause }) });
    }
  });
}
