const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

const IGNORED = /[ \t]*(?:[#;][^\n]*)?(?:\n|$)/y;
/** A value is quoted pieces and then plain text, in which quotes stand for themselves. Quotes may be closed some lines later. */
const ASSIGNMENT =
  /[ \t]*([^\n=]*)=[ \t]*((?:(?:'[^']*'|"(?:\\[\s\S]|[^"\\])*")[ \t]*)*)((?!['"])(?:\\[\s\S]|[^\n\\])*)(?:\n|$)/y;

/**
 * Reads a file of `NAME=VALUE` lines as systemd does, which is not quite as a shell does: nothing is expanded, and an escaped
 * line end joins two lines.
 * @throws Error for a line that systemd would ignore with a warning in its log
 */
export function parseEnvironmentFile(text: string, file: string): Map<string, string> {
  const variables = new Map<string, string>();
  for (let index = 0; index < text.length; ) {
    IGNORED.lastIndex = index;
    ASSIGNMENT.lastIndex = index;
    if (IGNORED.test(text)) {
      index = IGNORED.lastIndex;
      continue;
    }
    const [, name = '', quoted = '', plain = ''] = ASSIGNMENT.exec(text) ?? [];
    if (!NAME.test(name.trimEnd())) {
      const line = text.slice(0, index).split('\n').length;
      const seen = text.slice(index).split('\n', 1)[0];
      throw new Error(`${file}:${line}: "${seen}" is not an assignment NAME=VALUE with closed quotes`);
    }
    variables.set(name.trimEnd(), unquote(quoted) + unescapePlain(plain));
    index = ASSIGNMENT.lastIndex;
  }
  return variables;
}

function unquote(quoted: string): string {
  const pieces = quoted.matchAll(/'([^']*)'|"((?:\\[\s\S]|[^"\\])*)"/g);
  return [...pieces].map(([, single, double = '']) => single ?? unescapeInQuotes(double)).join('');
}

/** In double quotes a backslash stands for itself, except before what a shell would read. */
function unescapeInQuotes(text: string): string {
  return text.replace(/\\([\s\S])/g, (sequence, char: string) => {
    if (char === '\n') return '';
    return '"\\`$'.includes(char) ? char : sequence;
  });
}

/** Spaces at the end go, unless they are escaped. */
function unescapePlain(plain: string): string {
  const [kept = ''] = /^(?:\\[\s\S]|[^\\\s]|\s+(?!\s|$))*/.exec(plain) ?? [];
  return kept.replace(/\\([\s\S])/g, (_sequence, char: string) => (char === '\n' ? '' : char));
}
