import { setTimeout as sleep } from 'node:timers/promises';
import { READINGS } from '../../core/cluster/confirmation.ts';
import { findUnseenLeader } from '../../core/cluster/unseen-leader.ts';
import { PreconditionFailed } from '../../core/errors.ts';
import { assessMembersInput } from '../../core/member-replacement/contracts.ts';
import { assessMembers } from '../../core/member-replacement/member-assessment.ts';
import { scopeOf } from '../../core/member-replacement/replacement-scope.ts';
import { summarizeReading } from '../../core/member-replacement/summaries.ts';
import { etcdStep } from '../step.ts';

/** A member that restarts cuts connections for a moment, which looks like a proxy, or a wrong scheme. A leader that has just stopped is followed for some seconds. */
const BEFORE_STOPPING_MS = 2_000;

/** One reading of every member: who has failed, and is the cluster well without them? */
export const handler = etcdStep(
  assessMembersInput,
  async (etcd, input) => {
    for (let reading = 1; ; reading++) {
      const observation = await etcd.observe();
      try {
        const assessment = assessMembers(observation, input);
        if (reading >= READINGS || assessment.verdict !== 'Look')
          return { ...assessment, summary: summarizeReading(assessment) };
      } catch (error) {
        const mayPass =
          observation.members.some((seen) => !seen.answering && seen.silence === 'unreached') ||
          findUnseenLeader(observation) !== undefined;
        if (reading >= READINGS || !mayPass || !(error instanceof PreconditionFailed)) throw error;
      }
      await sleep(BEFORE_STOPPING_MS);
    }
  },
  (input) => ({ ...input.cluster, members: scopeOf(input).observed }),
);
