/** Where a command's lines go: to standard output, or to standard error where `--json` keeps standard output for itself. */
export interface Output {
  print(line: string): void;
  /** The result: the one JSON object under `--json`, else the lines for a person. */
  finish(result: object, lines: string[]): void;
}

export function openOutput(json: boolean): Output {
  const stream = json ? process.stderr : process.stdout;
  return {
    print: (line) => stream.write(`${line}\n`),
    finish(result, lines) {
      for (const line of lines) stream.write(`${line}\n`);
      if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
    },
  };
}
