import { mkdir, mkdtemp, readdir, readFile, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { bundleSteps } from '../../lib/bundles/bundle-steps.ts';
import { keptPlatform } from '../../local/kept-platform.ts';

const DAY_MS = 24 * 3600 * 1000;

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'platform-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

it('keeps for the next process exactly what a fresh build makes, always at the same place', async () => {
  const folder = await temporaryFolder();
  const textsOf = (paths: string[]) => Promise.all(paths.map((path) => readFile(join(path, 'index.cjs'), 'utf8')));
  const fresh = await bundleSteps(join(folder, 'fresh'));
  const kept = await keptPlatform(join(folder, 'otherwise'));
  const keptCode = [...new Set(kept.functions.map(({ codeDir }) => codeDir))];
  expect((await textsOf(keptCode)).toSorted()).toEqual((await textsOf(Object.values(fresh))).toSorted());
  expect(await keptPlatform(join(folder, 'otherwise'))).toEqual(kept);
  for (const path of keptCode) expect(path).not.toContain(folder);
});

it('forgets what nobody has used for a week, and nothing else: a process of older sources may be at work for months', async () => {
  const folder = await temporaryFolder();
  for (const [name, days] of Object.entries({ forgotten: 8, 'in-use': 6 })) {
    const at = new Date(Date.now() - days * DAY_MS);
    await mkdir(join(folder, name));
    await utimes(join(folder, name), at, at);
  }
  const { functions } = await keptPlatform(join(folder, 'otherwise'), folder);
  const names = await readdir(folder);
  expect(names).toContain('in-use');
  expect(names).not.toContain('forgotten');
  expect(functions[0]?.codeDir).toContain(folder);
  expect(names).not.toContain('otherwise');
});

it('makes it elsewhere where nothing can be kept', async () => {
  const folder = await temporaryFolder();
  const { functions } = await keptPlatform(join(folder, 'otherwise'), '/dev/null/nowhere');
  expect(functions[0]?.codeDir).toContain(join(folder, 'otherwise'));
});
