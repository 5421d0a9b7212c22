import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const read = (file: string) => readFile(join(import.meta.dirname, '../..', file), 'utf8');

it('has an entry for the version of package.json, and it is the newest', async () => {
  const { version } = JSON.parse(await read('package.json'));
  const [newest = ''] = (await read('CHANGELOG.md')).match(/(?<=^## \[)\d[^\]]*/gm) ?? [];
  expect(newest).toBe(version);
});
