import { stripVTControlCharacters } from 'node:util';
import { paint } from './paint.ts';
import { wrap } from './wrap.ts';

/** Where the lines for a person go. */
export interface Screen {
  readonly print: (line: string) => void;
  /** Only on a terminal: keeps one line below all others, and rewrites it until it is disposed of. */
  readonly live?: (line: () => string) => Disposable;
}

/** A stream that may be a terminal. */
export type Sink = NodeJS.WritableStream & { isTTY?: boolean; columns?: number };

/** What ends sooner than this shows no line of its own. */
const REWRITE_MS = 250;
/** To the first column, and everything behind it removed. */
const CLEAR_LINE = '\r\u001b[K';
const DEFAULT_COLUMNS = 80;

/** A terminal gets colours, its own width and a live line. A file or a pipe gets plain lines, however long. */
export function openScreen(stream: Sink): Screen {
  if (stream.isTTY && process.env.TERM !== 'dumb') return new Terminal(stream);
  return {
    print: (text) => {
      for (const line of linesOf(text)) stream.write(`${paint(line, stream)}\n`);
    },
  };
}

/** The same with everything indented. */
export function indented({ print, live }: Screen): Screen {
  return { print: (line) => print(`  ${line}`), ...(live && { live }) };
}

/** The terminal that shows a live line now. */
let shown: Terminal | undefined;

/** Removes the live line, so that other text can follow. */
export function clearLiveLine(): void {
  shown?.clear();
}

class Terminal implements Screen {
  readonly #stream: Sink;
  readonly #lines = new Set<() => string>();
  #timer: NodeJS.Timeout | undefined;
  #isDrawn = false;

  constructor(stream: Sink) {
    this.#stream = stream;
  }

  readonly print = (text: string): void => {
    const wasDrawn = this.#isDrawn;
    this.clear();
    for (const line of linesOf(text)) {
      const [first = '', ...others] = wrap(line, this.#columns);
      this.#stream.write(`${[paint(first, this.#stream), ...others].join('\n')}\n`);
    }
    if (wasDrawn) this.#draw();
  };

  readonly live = (line: () => string): Disposable => {
    this.#lines.add(line);
    this.#timer ??= setInterval(() => this.#draw(), REWRITE_MS).unref();
    return {
      [Symbol.dispose]: () => {
        this.#lines.delete(line);
        if (this.#lines.size > 0) return;
        clearInterval(this.#timer);
        this.#timer = undefined;
        this.clear();
      },
    };
  };

  clear(): void {
    if (this.#isDrawn) this.#stream.write(CLEAR_LINE);
    this.#isDrawn = false;
    if (shown === this) shown = undefined;
  }

  /** The oldest, and how many others there are. */
  #draw(): void {
    const [oldest] = this.#lines;
    if (!oldest) return;
    const others = this.#lines.size - 1;
    const [line = ''] = linesOf(oldest());
    const text = others > 0 ? `${line} (and ${others} more)` : line;
    // A terminal that was filled to its last column would begin another line.
    this.#stream.write(`${CLEAR_LINE}${paint(cut(text, this.#columns - 1), this.#stream)}`);
    this.#isDrawn = true;
    shown = this;
  }

  get #columns(): number {
    return this.#stream.columns || DEFAULT_COLUMNS;
  }
}

/** What comes from a log or a host may hold control characters: none of them reaches a terminal or a file. */
function linesOf(text: string): string[] {
  return stripVTControlCharacters(text)
    .split('\n')
    .map((line) => line.replace(/[^\P{Cc}\t]/gu, ''));
}

function cut(text: string, columns: number): string {
  const characters = [...text];
  return characters.length <= columns ? text : `${characters.slice(0, columns - 1).join('')}…`;
}
