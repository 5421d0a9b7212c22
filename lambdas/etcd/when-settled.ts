import { setTimeout as sleep } from 'node:timers/promises';
import type { Observation } from '../../core/cluster/observation.ts';
import { EtcdUnavailable } from '../../core/errors.ts';
import type { EtcdCluster } from './cluster.ts';

/** An election takes less as a rule, and so does the news of a new leader. Step Functions waits for what takes longer, seconds at a time. */
const SETTLES_WITHIN_MS = 2_000;
const BETWEEN_READINGS_MS = 25;

/**
 * Decides from a reading of the whole cluster. As long as the decision finds the cluster unsettled, the cluster is read again, for a moment.
 * @throws EtcdUnavailable where that does not help; whatever else the decision throws, at once
 */
export async function whenSettled<Decision>(
  etcd: Pick<EtcdCluster, 'observe'>,
  decide: (reading: Observation) => Decision,
): Promise<Decision> {
  for (const untilMs = Date.now() + SETTLES_WITHIN_MS; ; await sleep(BETWEEN_READINGS_MS)) {
    try {
      return decide(await etcd.observe());
    } catch (error) {
      if (!(error instanceof EtcdUnavailable) || Date.now() + BETWEEN_READINGS_MS > untilMs) throw error;
    }
  }
}
