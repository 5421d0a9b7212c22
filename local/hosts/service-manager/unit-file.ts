/** One line of a unit file. */
export interface Assignment {
  section: string;
  key: string;
  value: string;
  /** `/etc/systemd/system/etcd.service:12`, for messages. */
  place: string;
}

/**
 * Reads the syntax of unit files: https://www.freedesktop.org/software/systemd/man/latest/systemd.syntax.html
 * @throws Error for a line that systemd would ignore with a warning in its log
 */
export function parseUnitFile(text: string, file: string): Assignment[] {
  const assignments: Assignment[] = [];
  let section = '';
  for (const { line, place } of logicalLines(text, file)) {
    const header = /^\[([^[\]]+)\]$/.exec(line)?.[1];
    const separator = line.indexOf('=');
    if (header !== undefined) section = header;
    else if (separator < 1) throw new Error(`${place}: "${line}" is neither a [Section] nor an assignment KEY=VALUE`);
    else if (section === '') throw new Error(`${place}: "${line}" comes before any [Section]`);
    else {
      const key = line.slice(0, separator).trimEnd();
      assignments.push({ section, key, value: line.slice(separator + 1).trimStart(), place });
    }
  }
  return assignments;
}

/** Lines without comments and blank ones; a backslash at the end of a line stands for a space, and the line goes on in the next. */
function logicalLines(text: string, file: string): { line: string; place: string }[] {
  const lines: { line: string; place: string }[] = [];
  let begun: { line: string; place: string } | undefined;
  for (const [index, raw] of text.split('\n').entries()) {
    // Comments may also stand between a line and its continuation.
    if (/^\s*[#;]/.test(raw)) continue;
    const current = begun ?? { line: '', place: `${file}:${index + 1}` };
    const goesOn = raw.endsWith('\\');
    current.line += goesOn ? `${raw.slice(0, -1)} ` : raw;
    begun = goesOn ? current : undefined;
    if (!goesOn && current.line.trim() !== '') lines.push({ ...current, line: current.line.trim() });
  }
  if (begun !== undefined) throw new Error(`${begun.place}: ends with a backslash, but nothing follows`);
  return lines;
}
