import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HOST_COMMANDS, type HostCommandName } from '../../core/hosts/host-commands.ts';
import { readScript } from '../../lib/command-documents.ts';
import { withoutUnused } from '../../lib/used-functions.ts';

const define = (name: string, body = ':') => `${name}() {\n  ${body}\n}\n`;
const namesIn = (script: string) => [...script.matchAll(/^(\w+)\(\) \{$/gm)].map(([, name]) => name);

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
    ['and none that only a comment names', `${define('one')}# one is not called\n`, []],
    ['and none that only one of these calls', `${define('one', 'other')}${define('other', 'one')}\n`, []],
  ])('%s', (_, script, kept) => {
    expect(namesIn(withoutUnused(script))).toEqual(kept);
  });

  it.each(Object.keys(HOST_COMMANDS) as HostCommandName[])('and else all lines of %s, in their order', (command) => {
    const script = readScript(command);
    const short = withoutUnused(script);
    expect(namesIn(short).length).toBeLessThan(namesIn(script).length);
    const left = namesIn(script).filter((name) => !namesIn(short).includes(name));
    expect(left.filter((name) => new RegExp(`^[^#]*\\b${name}\\b`, 'm').test(short))).toEqual([]);
  });
});
