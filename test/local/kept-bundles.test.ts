import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { bundleSteps } from '../../lib/bundles/bundle-steps.ts';
import { keptBundles } from '../../local/kept-bundles.ts';

it('keeps for the next process exactly what a fresh build makes, always at the same place', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bundles-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const textsOf = (bundles: Record<string, string>) =>
    Promise.all(
      Object.entries(bundles).map(async ([name, path]) => [name, await readFile(join(path, 'index.cjs'), 'utf8')]),
    );
  const fresh = await bundleSteps(join(folder, 'fresh'));
  const kept = await keptBundles(join(folder, 'otherwise'));
  expect(await textsOf(kept)).toEqual(await textsOf(fresh));
  expect(await keptBundles(join(folder, 'otherwise'))).toEqual(kept);
  for (const path of Object.values(kept)) expect(path).not.toContain(folder);
});
