import { refuse } from './parse.ts';

/**
 * Reads JSON that a person has written. JSON.parse keeps the last of two equal keys and drops the first without a word, so these are refused.
 * @param secret whether no message may quote the text
 * @throws InvalidInput as {@link parse} does, naming each key that is there more than once
 */
export function readJson(text: string, file: string, { secret = false } = {}): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // The parser's own message quotes the text.
    refuse([`(the whole): is not JSON${secret ? '' : `: ${(error as Error).message}`}`], file);
  }
  const repeated = repeatedKeys(text);
  if (repeated.length > 0)
    refuse(
      repeated.map((path) => `${path}: ${REPEATED}`),
      file,
    );
  return value;
}

export const REPEATED = 'is there more than once, and only one would count';

/** @param json which JSON.parse takes @returns the path of each key that its object has had before: `clusters[0].members[1].host` */
export function repeatedKeys(json: string): string[] {
  const repeated: string[] = [];
  /** The objects and lists around the place that is read. */
  const around: ({ keys: Set<string>; key: string } | { index: number })[] = [];
  const pathOf = () =>
    around
      .map((each) => ('index' in each ? `[${each.index}]` : `.${each.key}`))
      .join('')
      .replace(/^\./, '');
  // A text counts as a key where a colon follows; what stands within texts is passed over with them.
  for (const [token, key] of json.matchAll(/("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|[{}[\],]/g)) {
    const here = around.at(-1);
    if (token === '{') around.push({ keys: new Set(), key: '' });
    else if (token === '[') around.push({ index: 0 });
    else if (token === '}' || token === ']') around.pop();
    else if (token === ',' && here && 'index' in here) here.index++;
    else if (key && here && 'keys' in here) {
      here.key = JSON.parse(key);
      if (here.keys.has(here.key)) repeated.push(pathOf());
      here.keys.add(here.key);
    }
  }
  return [...new Set(repeated)];
}
