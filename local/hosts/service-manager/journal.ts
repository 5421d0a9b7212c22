import { appendFileSync, closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';

/** What services print, with what the service manager says of them in between. */
export interface Journal {
  /** A file descriptor for a service's output, to be closed when it was handed over. */
  open(id: string): number;
  /** Adds a line of the service manager's own. */
  log(id: string, line: string): void;
  /** The newest lines, oldest first. */
  tail(id: string, count: number): string[];
}

/** A journal of one file for each unit. Services write into it by themselves, so nothing they said before they ended is missing. */
export function createJournal(folder: string): Journal {
  const fileOf = (id: string) => join(folder, `${id}.log`);
  return {
    open: (id) => openSync(fileOf(id), 'a', 0o600),
    log: (id, line) => appendFileSync(fileOf(id), `${endsMidLine(fileOf(id)) ? '\n' : ''}${line}\n`, { mode: 0o600 }),
    tail: (id, count) => {
      const lines = readText(fileOf(id)).split('\n');
      // As journald has it: nothing of spaces at a line's end, and no empty line.
      const kept = lines.map((line) => line.trimEnd()).filter((line) => line !== '');
      return kept.slice(kept.length - Math.min(count, kept.length));
    },
  };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** A killed process may leave half a line behind. */
function endsMidLine(file: string): boolean {
  const fd = openSync(file, 'a+', 0o600);
  try {
    const { size } = fstatSync(fd);
    const last = Buffer.alloc(1);
    return size > 0 && readSync(fd, last, 0, 1, size - 1) === 1 && last.toString() !== '\n';
  } finally {
    closeSync(fd);
  }
}
