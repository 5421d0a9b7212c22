import { expect, it } from 'vitest';
import { buildSteps } from '../../lib/bundles/bundle-steps.ts';
import { keptBundles } from '../../local/kept-bundles.ts';

it('keeps for the next process exactly what a fresh build makes', async () => {
  const fresh = await buildSteps();
  await keptBundles();
  expect(await keptBundles()).toEqual(fresh);
});
