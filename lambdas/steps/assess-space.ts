import { assessSpaceInput } from '../../core/contracts/space.ts';
import { assessSpace } from '../../core/decisions/space.ts';
import { PreconditionFailed } from '../../core/errors.ts';
import { etcdStep } from '../step.ts';

/** A blip of a few seconds does not stop a runbook; a member that is down for all three readings does. */
const READINGS = 3;
const BETWEEN_READINGS_MS = 2_000;

/** Reads the whole cluster and decides whether space can be reclaimed, safely, and from whom. */
export const handler = etcdStep(assessSpaceInput, async (etcd, { parameters }) => {
  for (let reading = 1; ; reading++) {
    try {
      return assessSpace(await etcd.observe(), parameters);
    } catch (error) {
      if (reading === READINGS || !(error instanceof PreconditionFailed)) throw error;
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_READINGS_MS));
    }
  }
});
