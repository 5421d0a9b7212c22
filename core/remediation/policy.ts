import * as z from 'zod';
import {
  type ClustersFile,
  clustersFileSchema,
  decisionSchema,
  EVEN_WHEN_FIELDS_ARE_WRONG,
} from '../cluster/clusters.ts';
import { RUNBOOKS } from '../runbooks.ts';
import { readJson } from '../text/json-file.ts';
import { parse } from '../text/parse.ts';

/**
 * The entries that a cluster's policy may have, each with why it may not be "approval"; empty if it may. There is one for each incident, and one for each act
 * that only a start asks for and that may lose more than the runbook alone. Such an act waits unless it is named itself.
 */
const ENTRIES: Readonly<Record<string, string>> = Object.fromEntries([
  ...Object.values(RUNBOOKS).map(({ incident, neverWaits }) => [incident, neverWaits]),
  ...Object.values(RUNBOOKS).flatMap(({ acts }) => Object.keys(acts).map((act) => [act, ''])),
]);

/** What runs by itself, and what waits for an approval. */
export const policySchema = z.strictObject(
  Object.fromEntries(
    Object.entries(ENTRIES).map(([name, neverWaits]) => [
      name,
      (neverWaits === '' ? decisionSchema : z.literal('automatic')).optional(),
    ]),
  ),
);

const fileSchema = clustersFileSchema.superRefine(({ clusters }, context) => {
  if (!Array.isArray(clusters)) return;
  for (const [index, cluster] of clusters.entries()) {
    for (const [name, value] of Object.entries(Object(Object(cluster).policy))) {
      const neverWaits = ENTRIES[name];
      const path = ['clusters', index, 'policy', name];
      if (neverWaits === undefined) context.addIssue({ code: 'custom', path, message: 'is not a known field' });
      else if (neverWaits !== '' && value === 'approval') {
        context.addIssue({ code: 'custom', path, message: neverWaits });
      }
    }
  }
}, EVEN_WHEN_FIELDS_ARE_WRONG);

/**
 * @param text the content of clusters.json
 * @param file its path, for the message
 * @throws InvalidInput with every problem and its path
 */
export function parseClustersFile(text: string, file: string): ClustersFile {
  return parse(fileSchema, readJson(text, file), file);
}
