import { openScreen, type Screen } from './screen.ts';

/** Where a command's lines go: to standard output, or to standard error where `--json` keeps standard output for itself. */
export interface Output extends Screen {
  /** The result: the one JSON object under `--json`, else the lines for a person. */
  finish(result: object, lines: string[]): void;
}

export function openOutput(json: boolean): Output {
  const screen = openScreen(json ? process.stderr : process.stdout);
  return {
    ...screen,
    finish(result, lines) {
      for (const line of lines) screen.print(line);
      if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
    },
  };
}
