import { Writable } from 'node:stream';
import type { Sink } from '../../cli/screen.ts';

/** What is written to a stream that is, or is not, a terminal. */
export function sink(terminal: { columns: number } | 'pipe'): { stream: Sink; written: () => string } {
  let text = '';
  const stream: Sink = new Writable({
    write(chunk, _, done) {
      text += chunk;
      done();
    },
  });
  if (terminal !== 'pipe') Object.assign(stream, { isTTY: true, ...terminal });
  return { stream, written: () => text };
}
