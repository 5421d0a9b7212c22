/** Narrower than this, text is left to the terminal. */
const LEAST_COLUMNS = 40;
/** A command runs to the end of its line, and is copied as one. */
const COMMAND = /(?:npx --no etcd-remediation|curl|etcdctl) (?:(?![.;:,] [A-Z]).)+$/;

/** Breaks a line between words, so that it fits into so many columns. What follows is indented like the text that it belongs to. */
export function wrap(line: string, columns: number): string[] {
  if (line.length <= columns || columns < LEAST_COLUMNS) return [line];
  const commandAt = line.search(COMMAND);
  const text = commandAt < 0 ? line : line.slice(0, commandAt);
  const command = commandAt < 0 ? '' : line.slice(commandAt);
  const indent = ' '.repeat(indentOf(line, columns));
  const rows: string[] = [];
  let row = '';
  // Spaces between columns stay with the word before them.
  for (const word of text.match(/^ *\S+ *|\S+ */g) ?? []) {
    const isTooLong = (row + word.trimEnd()).length > columns;
    // A path that fits no line at all is left to the terminal: it can be copied as it is then.
    if (isTooLong && row.trim() !== '' && indent.length + word.trimEnd().length <= columns) {
      rows.push(row.trimEnd());
      row = indent;
    }
    row += word;
  }
  if (command === '') return [...rows, row.trimEnd()];
  if ((row + command).length <= columns || row.trim() === '') return [...rows, row + command];
  return [...rows, row.trimEnd(), indent + command];
}

/** The last column of a table, if more than half of the width is left for it; else a little more than the line itself. */
function indentOf(line: string, columns: number): number {
  const starts = [...line.slice(0, Math.ceil(columns * 0.55) + 1).matchAll(/ {2,}(?=\S)/g)].map(
    ({ index, 0: gap }) => index + gap.length,
  );
  const own = line.search(/\S/);
  const inner = starts.filter((start) => start > own).at(-1);
  return inner ?? own + 2;
}
