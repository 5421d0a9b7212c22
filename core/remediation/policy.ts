import * as z from 'zod';
import { clusterSchema, type Decision, decisionSchema, POLICY } from '../cluster/clusters.ts';
import { type ClustersFile, clustersFileSchema, listOfClusters } from '../cluster/clusters-file.ts';
import { type Act, type Incident, RUNBOOKS } from '../runbooks.ts';
import { readJson } from '../text/json-file.ts';
import { parse } from '../text/parse.ts';

type Entry = Incident | Act;

/** For each incident: a space reclaim may not wait. */
const ofIncidents = Object.values(RUNBOOKS).map(({ incident, runbook, policy, neverWaits }) => {
  const decision = neverWaits === '' ? decisionSchema : z.literal('automatic', { error: neverWaits });
  const only = neverWaits === '' ? '' : ', and nothing else is taken';
  return [incident, decision.optional().meta({ description: `The runbook ${runbook}. Default: "${policy}"${only}.` })];
});

/** For each act that only a start asks for, and by which more is lost than by the runbook as it is. Such a one waits unless the act itself is named. */
const ofActs = Object.values(RUNBOOKS).flatMap(({ runbook, acts }) =>
  Object.entries(acts).map(([act, { description }]) => [
    act,
    decisionSchema
      .optional()
      .meta({ description: `A start of ${runbook} that asks ${description}. Default: "approval".` }),
  ]),
);

/** What runs by itself, and what waits for an approval. */
export const policySchema = z.strictObject(
  Object.fromEntries([...ofIncidents, ...ofActs]) as Readonly<
    Record<Entry, z.ZodOptional<z.ZodType<Decision, Decision>>>
  >,
);

/** A cluster as a person describes it: steps take one whose policy has entries that they do not know. */
export const describedClusterSchema = clusterSchema.safeExtend({
  policy: policySchema.optional().meta({ description: POLICY }),
});

/** clusters.json as a whole. */
export const describedClustersSchema = clustersFileSchema.safeExtend({
  clusters: listOfClusters(describedClusterSchema),
});

/**
 * @param text the content of clusters.json
 * @param file its path, for the message
 * @throws InvalidInput with every problem and its path
 */
export function parseClustersFile(text: string, file: string): ClustersFile {
  return parse(describedClustersSchema, readJson(text, file), file) as ClustersFile;
}
