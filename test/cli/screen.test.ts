import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { clearLiveLine, indented, openScreen } from '../../cli/screen.ts';
import { sink } from './sink.ts';

const RED = '\u001b[31m';
const GREEN = '\u001b[32m';

beforeEach(() => {
  vi.stubEnv('FORCE_COLOR', undefined);
  vi.stubEnv('NO_COLOR', undefined);
  vi.stubEnv('TERM', 'xterm-256color');
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
});

/** What a terminal shows in the end: a line that was rewritten as it was written last. */
function shownOf(written: string): string[] {
  return written.split('\n').map((line) => stripVTControlCharacters(line.split('\r').at(-1) ?? ''));
}

describe('a pipe or a file', () => {
  it('gets each line as it is, however long, and no control characters', () => {
    const { stream, written } = sink('pipe');
    const long = `  ! ${'word '.repeat(60)}`;
    const screen = openScreen(stream);
    screen.print(long);
    screen.print('\u001b[31mred\u001b[0m\u0007 of a log\ttab\rback');
    expect(written()).toBe(`${long}\nred of a log\ttabback\n`);
    expect(screen.live).toBeUndefined();
  });

  it('gets colours where FORCE_COLOR asks for them', () => {
    vi.stubEnv('FORCE_COLOR', '1');
    const { stream, written } = sink('pipe');
    openScreen(stream).print('  ! m1');
    expect(written()).toContain(`${RED}!`);
  });

  it('is what a terminal without control sequences is taken for', () => {
    vi.stubEnv('TERM', 'dumb');
    expect(openScreen(sink({ columns: 80 }).stream).live).toBeUndefined();
  });
});

describe('a terminal', () => {
  it('gets lines of its width, and colours for marks and outcomes', () => {
    const { stream, written } = sink({ columns: 60 });
    const screen = openScreen(stream);
    screen.print(`  ✓   0.8 s  Stop service  ${'done and '.repeat(8)}gone`);
    screen.print('PreconditionFailed in 3.2 s. m1 is down.');
    expect(written()).toContain(`${GREEN}✓`);
    expect(written()).toContain('\u001b[31m\u001b[1mPreconditionFailed');
    for (const line of shownOf(written())) expect(line.length).toBeLessThanOrEqual(60);
  });

  it('shows one line below all others while something goes on, and removes it afterwards', () => {
    vi.useFakeTimers();
    const { stream, written } = sink({ columns: 40 });
    const { print, live } = openScreen(stream);
    let seconds = 0;
    const line = live?.(() => `  … ${seconds} s  ${'a long story '.repeat(5)}`);
    expect(written()).toBe('');
    vi.advanceTimersByTime(250);
    seconds = 1;
    vi.advanceTimersByTime(250);
    expect(shownOf(written())).toEqual([`  … 1 s  ${'a long story '.repeat(5)}`.slice(0, 38).concat('…')]);
    print('  ✓ done');
    expect(shownOf(written())[0]).toBe('  ✓ done');
    expect(shownOf(written())[1]).toContain('… 1 s');
    line?.[Symbol.dispose]();
    expect(shownOf(written())).toEqual(['  ✓ done', '']);
    const before = written();
    vi.advanceTimersByTime(5_000);
    expect(written()).toBe(before);
  });

  it('shows of several the oldest, and how many others there are', () => {
    vi.useFakeTimers();
    const { stream, written } = sink({ columns: 60 });
    const { live } = openScreen(stream);
    const oldest = live?.(() => 'first');
    live?.(() => 'second');
    live?.(() => 'third');
    vi.advanceTimersByTime(250);
    expect(shownOf(written())).toEqual(['first (and 2 more)']);
    oldest?.[Symbol.dispose]();
    vi.advanceTimersByTime(250);
    expect(shownOf(written())).toEqual(['second (and 1 more)']);
  });

  it('loses its live line before other text is written', () => {
    vi.useFakeTimers();
    const { stream, written } = sink({ columns: 60 });
    const line = openScreen(stream).live?.(() => 'goes on');
    vi.advanceTimersByTime(250);
    clearLiveLine();
    expect(shownOf(written())).toEqual(['']);
    line?.[Symbol.dispose]();
  });
});

it('indents the lines of what runs inside of something else, and keeps its live line', () => {
  const { stream, written } = sink({ columns: 60 });
  const screen = indented(openScreen(stream));
  screen.print('Running');
  expect(written()).toBe('  Running\n');
  expect(screen.live).toBeDefined();
});
