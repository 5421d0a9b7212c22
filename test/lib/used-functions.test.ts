import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HOST_COMMANDS, type HostCommandName } from '../../core/hosts/host-commands.ts';
import { readScript } from '../../lib/command-documents.ts';
import { commandsOf, withoutUnused } from '../../lib/used-functions.ts';

const define = (name: string, body = ':') => `${name}() {\n  ${body}\n}\n`;
const namesIn = (script: string) => [...script.matchAll(/^(\w+)\(\) \{$/gm)].map(([, name = '']) => name);

const PARTS = join(import.meta.dirname, '../../documents/parts');
/** What a part gives a name at its head: a function, or a variable, which the next part with the same one would take from it. */
const namesOf = (part: string) =>
  new Set([...readFileSync(join(PARTS, part), 'utf8').matchAll(/^(\w+)(?:=|\(\) \{)/gm)].map(([, name = '']) => name));

it('no two parts have the same name for something, but for the function that frees the disk', () => {
  const all = readdirSync(PARTS).flatMap((part) => [...namesOf(part)]);
  expect(all.length).toBeGreaterThan(100);
  expect(all.filter((name, index) => all.indexOf(name) !== index)).toEqual(['to_free']);
});

describe('a document has those functions of the parts', () => {
  it.each<[string, string, string[]]>([
    ['that the script calls', `${define('one')}${define('other')}one\n`, ['one']],
    ['that these call', `${define('one', 'if other; then :; fi')}${define('other')}one\n`, ['one', 'other']],
    ['whose names it hands on', `${define('one')}to_free=one\n`, ['one']],
    ['that a text calls', `${define('one')}echo "there is $(one)"\n`, ['one']],
    ['that a trap calls', `${define('one')}trap 'one $?' EXIT\n`, ['one']],
    ['and none that only a comment names', `${define('one')}# one is not called\necho 1 # nor is this one\n`, []],
    ['and none that only a message names', `${define('fetch')}echo "Where to fetch it: $1" 'or to fetch'\n`, []],
    ['and none that only one of these calls', `${define('one', 'other')}${define('other', 'one')}\n`, []],
  ])('%s', (_, script, kept) => {
    expect(namesIn(withoutUnused(script))).toEqual(kept);
  });

  it.each(Object.keys(HOST_COMMANDS) as HostCommandName[])('and else all lines of %s, in their order', (command) => {
    const script = readScript(command);
    const short = withoutUnused(script);
    expect(namesIn(short).length).toBeLessThan(namesIn(script).length);
    const left = namesIn(script).filter((name) => !namesIn(short).includes(name));
    const begins = (name: string) =>
      new RegExp(`(^|[;&|({!]|\\b(if|then|else|do|while|until)\\b)\\s*${name}( |$)`, 'm');
    expect(left.filter((name) => begins(name).test(short.replaceAll(/^\s*#.*$/gm, '')))).toEqual([]);
  });
});

describe('what bash reads as commands', () => {
  it.each<[string, string, string[]]>([
    ['words', 'one two=three', ['one', 'two', 'three']],
    ['no text', `one "two" 'three' $'four'`, ['one']],
    ['commands in a text, and texts in these', 'a "b $(c "d $(e)" f) g" h', ['a', 'c', 'e', 'f', 'h']],
    ['no quote that is escaped', String.raw`a \" b \' c "d \" e" f`, ['a', 'b', 'c', 'f']],
    ['brackets in commands of a text', 'a "$(b $((1 + 2)) (c))" d', ['a', 'b', '1', '2', 'c', 'd']],
    ['quotes in a variable of a text', `a "\${b//"$c"/, }" d`, ['a', 'c', 'd']],
    ['no comment, whatever is in it', `a # it's "b\nc\${#d}`, ['a', 'c', 'd']],
  ])('%s', (_, script, words) => {
    expect(commandsOf(script).match(/\w+/g)).toEqual(words);
  });

  it.each(["echo 'a", 'echo "a', 'echo "$(a"'])('is not told where something is not closed: %s', (script) => {
    expect(() => commandsOf(script)).toThrow(/^A script has .* (another one|nothing closes)\.$/);
  });
});
