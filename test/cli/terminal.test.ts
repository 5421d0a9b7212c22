import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify, stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import { ENTRY } from './command.ts';

const exec = promisify(execFile);
const SCRIPT = ['/usr/bin/script', '/bin/script'].find((path) => existsSync(path));
/** The tool of util-linux: that of the BSDs takes other options. */
const skipped =
  process.platform !== 'linux' || SCRIPT === undefined ? ' (skipped: script of util-linux is missing)' : '';
const LIVE = fileURLToPath(new URL('./live-line.ts', import.meta.url));
const WRONG_USE = [ENTRY, 'run', '--config', '/nowhere/clusters.json', 'orders'];

/** Runs Node in a real terminal of 80 columns, and returns what was written to it. */
async function inTerminal(args: readonly string[], environment: Record<string, string> = {}): Promise<string> {
  const command = ['stty cols 80;', process.execPath, ...args].join(' ');
  // With CI, Node takes a terminal for one that has no colours.
  const { NO_COLOR: _, FORCE_COLOR: __, CI: ___, ...inherited } = process.env;
  const env = { ...inherited, TERM: 'xterm-256color', ...environment };
  // It ends as the command does: not at all well.
  const { stdout } = await exec(SCRIPT ?? '', ['-qec', command, '/dev/null'], { env }).catch((error) => error);
  return stdout;
}

it.skipIf(skipped)(
  `a terminal gets an error in red, in its own width, with the entry that explains it${skipped}`,
  async () => {
    const written = await inTerminal(WRONG_USE);
    expect(written).toContain('\u001b[31m\u001b[1mInvalidInput\u001b[22m\u001b[39m: ');
    const lines = stripVTControlCharacters(written).trimEnd().split('\r\n');
    expect(lines.at(-1)).toBe('Explained in docs/troubleshooting.md#invalidinput');
    expect(lines.length).toBeGreaterThan(2);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  },
);

it.skipIf(skipped)(`a terminal gets no colours where NO_COLOR is set${skipped}`, async () => {
  expect(await inTerminal(WRONG_USE, { NO_COLOR: '1' })).toMatch(/^InvalidInput: /);
});

it.skipIf(skipped)(
  `a terminal shows a live line that is rewritten, and nothing of it at the end${skipped}`,
  async () => {
    const written = await inTerminal([LIVE]);
    expect(written.split('\r\u001b[K').map(stripVTControlCharacters)).toEqual([
      'begins\r\n',
      '  … 1  Restore the snapshot',
      '  … 2  Restore the snapshot',
      '  … 3  Restore the snapshot',
      'ends\r\n',
    ]);
  },
);

it('a pipe gets the same without colours, live lines and control characters', async () => {
  const { stdout } = await exec(process.execPath, [LIVE], { env: { ...process.env, FORCE_COLOR: undefined } });
  expect(stdout).toBe('begins\nends\n');
});

it('says its version', async () => {
  const { stdout } = await exec(process.execPath, [ENTRY, '--version']);
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});
