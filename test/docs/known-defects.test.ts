import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { renderKnownDefects } from '../../docs/known-defects.ts';

it('the page of known defects has the rows of the code; "npm run docs" makes it anew', async () => {
  const file = await readFile(join(import.meta.dirname, '../../docs/known-defects.md'), 'utf8');
  expect(file).toBe(renderKnownDefects());
});
