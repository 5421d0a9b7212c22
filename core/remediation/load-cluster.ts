import * as z from 'zod';
import type { Cluster } from '../cluster/clusters.ts';
import { type ExecutionInput, INCIDENTS } from '../runbooks.ts';
import { TEXT_RULES, textSchema } from '../text/text-rules.ts';

/** What load-cluster, the first step of every runbook, receives: what started the execution, and what Step Functions knows of it. */
export const loadClusterInput = z.strictObject({
  /** The incident that the runbook is for. */
  incident: z.enum(INCIDENTS),
  /** The execution's name: what is moved aside on hosts is named after it. */
  execution: textSchema(TEXT_RULES.execution),
  input: z.unknown(),
});

/** The checked execution input, with the cluster's configuration in place of its name. */
export type LoadedCluster = Omit<ExecutionInput, 'cluster'> & { cluster: Cluster };
