import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { confirm } from '../../cli/confirm.ts';

it.each([
  ['y\n', true],
  ['Yes\n', true],
  ['n\n', false],
  ['\n', false],
  ['yesterday\n', false],
  // Ctrl-D.
  ['', false],
])('takes nothing but a yes for a yes: %j', async (typed, expected) => {
  const input = new PassThrough();
  const output = new PassThrough();
  const answered = confirm('Go on?', { input, output });
  input.end(typed);
  expect(await answered).toBe(expected);
  expect(String(output.read())).toContain('Go on? [y/N] ');
});
