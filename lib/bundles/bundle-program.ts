import { bundleSteps } from './bundle-steps.ts';

/** Bundles the functions into the folder that is named. */
await bundleSteps(process.argv[2] ?? '');
