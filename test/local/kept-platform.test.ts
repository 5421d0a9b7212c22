import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { bundleSteps } from '../../lib/bundles/bundle-steps.ts';
import { keptPlatform } from '../../local/kept-platform.ts';

it('keeps for the next process exactly what a fresh build makes, always at the same place', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'platform-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const textsOf = (paths: string[]) => Promise.all(paths.map((path) => readFile(join(path, 'index.cjs'), 'utf8')));
  const fresh = await bundleSteps(join(folder, 'fresh'));
  const kept = await keptPlatform(join(folder, 'otherwise'));
  const keptCode = [...new Set(kept.functions.map(({ codeDir }) => codeDir))];
  expect((await textsOf(keptCode)).toSorted()).toEqual((await textsOf(Object.values(fresh))).toSorted());
  expect(await keptPlatform(join(folder, 'otherwise'))).toEqual(kept);
  for (const path of keptCode) expect(path).not.toContain(folder);
});
