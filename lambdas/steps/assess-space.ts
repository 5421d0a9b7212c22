import { READINGS } from '../../core/cluster/confirmation.ts';
import { PreconditionFailed } from '../../core/errors.ts';
import { assessSpace } from '../../core/space-reclaim/assess-space.ts';
import { assessSpaceInput, type SpaceAssessment } from '../../core/space-reclaim/contracts.ts';
import { requireSteadySilence } from '../../core/space-reclaim/left-out-members.ts';
import { summarizeSizes } from '../../core/space-reclaim/summaries.ts';
import { etcdStep } from '../step.ts';

/** A blip of a few seconds does not stop a runbook; what is there in all three readings does. */
const BEFORE_STOPPING_MS = 2_000;
/** Nor does it leave out a member: ten seconds are more than most restarts take. */
const BEFORE_LEAVING_OUT_MS = 5_000;

/** Reads the whole cluster and decides whether space can be reclaimed, safely, from whom, and without whom. */
export const handler = etcdStep(assessSpaceInput, async (etcd, input): Promise<SpaceAssessment> => {
  const withoutSome: SpaceAssessment[] = [];
  for (let reading = 1; ; reading++) {
    let pauseMs = BEFORE_LEAVING_OUT_MS;
    try {
      const assessment = assessSpace(await etcd.observe(), input);
      if (assessment.leftOut.length === 0) return summarized(assessment);
      withoutSome.push(assessment);
      if (reading >= READINGS) {
        requireSteadySilence(withoutSome, READINGS);
        return summarized(assessment);
      }
    } catch (error) {
      if (reading >= READINGS || !(error instanceof PreconditionFailed)) throw error;
      pauseMs = BEFORE_STOPPING_MS;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
});

function summarized(assessment: SpaceAssessment): SpaceAssessment {
  return { ...assessment, summary: `${assessment.summary} ${summarizeSizes(assessment.members)}` };
}
