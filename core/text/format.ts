/** `33.1 MiB`: bytes for a person. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${units[power]}`;
}

/** `0.9` -> `90 %` */
export function formatShare(ratio: number): string {
  return `${Math.round(ratio * 100)} %`;
}

/** After what has to be corrected in clusters.json, which is read at every start here, and deployed to AWS. */
export const START_AGAIN = 'Then start again; in AWS, deploy it first.';

/** With the dot that ends it. */
export function sentence(text: string): string {
  return text.endsWith('.') ? text : `${text}.`;
}

/** A first line that ends with a colon leads to others, which are not told. */
export function firstLine(text: string): string {
  return text.split('\n', 1)[0]?.replace(/:$/, '') ?? '';
}

/** What stands in several lines as one: a list's items are set apart by semicolons, and each other line is a sentence of its own. */
export function inOneLine(text: string): string {
  const lines = text.split('\n').map((line) => line.replace(/\s+/g, ' ').trim());
  return lines
    .filter((line) => line !== '')
    .reduce((told, line) => {
      if (told === '') return line;
      const isItem = line.startsWith('- ');
      const end = /[.:;,!?…]$/.test(told) ? '' : isItem ? ';' : '.';
      return `${told}${end} ${isItem ? line.slice(2) : line}`;
    }, '');
}

/** In the summary of a cure: how it is now stands before this word, for readers who stop there, and what was wrong behind it. */
export const BEFORE = 'Before:';

/** The two parts of such a summary; the second is empty where it has none. */
export function splitAtBefore(summary: string): { now: string; before: string } {
  const at = summary.indexOf(` ${BEFORE} `);
  if (at < 0) return { now: summary, before: '' };
  return { now: summary.slice(0, at), before: summary.slice(at + BEFORE.length + 2) };
}
