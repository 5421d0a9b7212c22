import { createInterface } from 'node:readline/promises';

interface Terminal {
  input: NodeJS.ReadableStream;
  output: NodeJS.WritableStream;
}

/** Asks a person; anything but a yes is a no, the end of the input too. Standard output is left for what a command says. */
export async function confirm(
  question: string,
  { input, output }: Terminal = { input: process.stdin, output: process.stderr },
): Promise<boolean> {
  // Line by line: Ctrl-C is then a signal as it is everywhere else.
  const lines = createInterface({ input, output, terminal: false });
  try {
    const nothing = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
    const reply = await Promise.race([lines.question(`${question} [y/N] `), nothing]);
    return /^y(es)?$/i.test(reply.trim());
  } finally {
    lines.close();
  }
}
