import { requireNamedMember } from '../../core/cluster/named-member.ts';
import { type LoadedCluster, loadClusterInput } from '../../core/remediation/load-cluster.ts';
import type { Summarized } from '../../core/runbook/summary.ts';
import { executionInputSchemas } from '../../core/runbooks.ts';
import { parse } from '../../core/text/parse.ts';
import { readRegistry } from '../registry.ts';

/** Checks the execution input and loads the cluster's configuration from its registry parameter. */
export async function handler(event: unknown): Promise<LoadedCluster & Summarized> {
  const { incident, input: given } = parse(loadClusterInput, event, 'The execution');
  const input = parse(executionInputSchemas[incident], given, 'The execution input');
  const cluster = await readRegistry(input.cluster);
  requireNamedMember(cluster, input);
  return { ...input, cluster, summary: cluster.name };
}
