const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  s: ' ',
  '\\': '\\',
  '"': '"',
  "'": "'",
};

/** `\x41`, `\101`, `\u00e9`, `\U0001f600`, by the letter that follows the backslash. */
const CODE_POINT = /^(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/;

/**
 * Splits a value into words as systemd does: at whitespace, with quotes around words or parts of them, and C's escapes.
 * @throws Error for an unclosed quote or an unknown escape, which systemd would take literally and warn of
 */
export function splitWords(text: string, place: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let index = 0; index < text.length; index++) {
    const char = text.charAt(index);
    if (char === '\\') {
      const { unescaped, length } = readEscape(text.slice(index + 1), place);
      word = (word ?? '') + unescaped;
      index += length;
    } else if (quote !== '') {
      if (char === quote) quote = '';
      else word += char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + char;
    }
  }
  if (quote !== '') throw new Error(`${place}: a quote (${quote}) is not closed`);
  if (word !== undefined) words.push(word);
  return words;
}

function readEscape(rest: string, place: string): { unescaped: string; length: number } {
  const simple = ESCAPES[rest.charAt(0)];
  if (simple !== undefined) return { unescaped: simple, length: 1 };
  const [code, hex, octal, short, long] = CODE_POINT.exec(rest) ?? [];
  if (code === undefined) throw new Error(`${place}: "\\${rest.charAt(0)}" is not one of systemd's escapes`);
  const point = octal === undefined ? Number.parseInt(hex ?? short ?? long ?? '', 16) : Number.parseInt(octal, 8);
  return { unescaped: String.fromCodePoint(point), length: code.length };
}

/**
 * `%%` stands for `%`.
 * @throws Error for any other specifier
 */
export function expandSpecifiers(text: string, place: string): string {
  return text.replace(/%(.?)/g, (specifier, letter: string) => {
    if (letter !== '%') throw new Error(`${place}: the specifier "${specifier}" is not supported here; write it out`);
    return '%';
  });
}

const VARIABLE = '[A-Za-z_][A-Za-z0-9_]*';

/**
 * Puts the environment into a command's arguments. `${NAME}` is replaced wherever it stands; `$NAME` only as a whole argument,
 * and becomes as many arguments as its value has words. `$$` stands for `$`.
 */
export function expandVariables(args: readonly string[], environment: ReadonlyMap<string, string>): string[] {
  return args.flatMap((arg) => {
    const whole = new RegExp(`^\\$(${VARIABLE})$`).exec(arg)?.[1];
    if (whole !== undefined) return splitWords(environment.get(whole) ?? '', `the value of $${whole}`);
    return arg.replace(new RegExp(`\\$\\$|\\$\\{(${VARIABLE})\\}`, 'g'), (match, name: string | undefined) =>
      name === undefined ? match.slice(1) : (environment.get(name) ?? ''),
    );
  });
}

/** @throws Error for what systemd would quietly turn into nothing, such as `${NAME:-default}` or `$NAME/sub` */
export function checkVariables(arg: string, place: string): void {
  const braces = arg.replaceAll('$$', '').match(/\$\{[^}]*\}?/g) ?? [];
  for (const found of braces) {
    if (!new RegExp(`^\\$\\{${VARIABLE}\\}$`).test(found)) {
      throw new Error(`${place}: "${found}" names no variable; systemd knows \${NAME} only`);
    }
  }
  if (/^\$[^{$]/.test(arg) && !new RegExp(`^\\$${VARIABLE}$`).test(arg)) {
    throw new Error(`${place}: systemd takes all of "${arg}" for a variable's name; write \${NAME}`);
  }
}
