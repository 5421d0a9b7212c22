import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { entryOf, explainedAt, explainedIn, NAMED_ERRORS } from '../../cli/error-entry.ts';
import { ROOT } from '../lib/stacks.ts';

const page = await readFile(join(ROOT, 'docs/troubleshooting.md'), 'utf8');
const [, entries = ''] = page.split('\n## Errors by name\n');
const HEADINGS = [...entries.matchAll(/^### (.*)$/gm)].map(([, heading = '']) => heading);
const OTHERS = ['Errors of AWS', 'Any other error'];

it.each(NAMED_ERRORS)('an entry of the docs explains %s', (name) => {
  expect(HEADINGS).toContain(name);
  expect(entryOf(name)).toBe(`docs/troubleshooting.md#${name.toLowerCase()}`);
});

it('no entry explains an error that there is not', () => {
  expect(HEADINGS.filter((heading) => !NAMED_ERRORS.includes(heading))).toEqual(OTHERS);
});

it.each([
  ['States.Timeout', 'errors-of-aws'],
  ['Lambda.Unknown', 'errors-of-aws'],
  ['DynamoDb.ProvisionedThroughputExceededException', 'errors-of-aws'],
  ['TypeError', 'any-other-error'],
])('%s is explained with all of its kind', (name, anchor) => {
  expect(entryOf(name)).toBe(`docs/troubleshooting.md#${anchor}`);
});

it('names each entry once, in one line', () => {
  expect(
    explainedIn([{ cluster: 'a' }, { error: 'InvalidInput' }, { error: 'InvalidInput' }, { error: 'Busy' }]),
  ).toEqual(['Explained in docs/troubleshooting.md#invalidinput, docs/troubleshooting.md#busy']);
  expect(explainedAt([])).toEqual([]);
});
