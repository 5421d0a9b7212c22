import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { renderPages } from '../../docs/diagram.ts';

it('the diagrams in docs/workflows show the synthesized state machines (npm run docs draws them anew)', async () => {
  for (const [file, page] of Object.entries(await renderPages())) {
    expect(await readFile(join(import.meta.dirname, '../../docs/workflows', file), 'utf8')).toBe(page);
  }
});
