import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { clusterSchema, registryParameterName } from '../../core/contracts/clusters.ts';
import { parse } from '../../core/contracts/parse.ts';
import { type LoadedCluster, loadClusterInput } from '../../core/contracts/space.ts';
import { InvalidInput } from '../../core/errors.ts';

/** Checks the execution input and loads the cluster's configuration from its registry parameter. */
export async function handler(event: unknown): Promise<LoadedCluster> {
  const input = parse(loadClusterInput, event, 'The execution input');
  const cluster = parse(
    clusterSchema,
    await readRegistry(input.cluster),
    `The configuration of cluster "${input.cluster}"`,
  );
  return { cluster, incident: input.incident, dryRun: input.dryRun, parameters: input.parameters };
}

async function readRegistry(cluster: string): Promise<unknown> {
  const name = registryParameterName(cluster);
  try {
    const { Parameter } = await new SSMClient().send(new GetParameterCommand({ Name: name }));
    return JSON.parse(Parameter?.Value ?? 'null');
  } catch (error) {
    const { name: kind, message } = error as Error;
    if (kind !== 'ParameterNotFound' && kind !== 'AccessDeniedException') throw error;
    throw new InvalidInput(
      `There is no cluster "${cluster}" (SSM parameter ${name}: ${kind}: ${message}). Check the name, or add the cluster to clusters.json and deploy.`,
    );
  }
}
