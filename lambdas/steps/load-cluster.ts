import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { clusterSchema, registryParameterName } from '../../core/contracts/clusters.ts';
import { executionInputSchemas } from '../../core/contracts/execution-input.ts';
import { type LoadedCluster, loadClusterInput } from '../../core/contracts/load-cluster.ts';
import { parse } from '../../core/contracts/parse.ts';
import { InvalidInput, PreconditionFailed } from '../../core/errors.ts';
import { AWS_CLIENT, requireRefusal } from '../aws.ts';

/** Checks the execution input and loads the cluster's configuration from its registry parameter. */
export async function handler(event: unknown): Promise<LoadedCluster> {
  const { incident, input: given } = parse(loadClusterInput, event, 'The execution');
  const input = parse(executionInputSchemas[incident], given, 'The execution input');
  const cluster = parse(
    clusterSchema,
    await readRegistry(input.cluster),
    `The configuration of cluster "${input.cluster}"`,
  );
  return { ...input, cluster };
}

async function readRegistry(cluster: string): Promise<unknown> {
  const name = registryParameterName(cluster);
  let text: string | undefined;
  try {
    text = (await new SSMClient(AWS_CLIENT).send(new GetParameterCommand({ Name: name }))).Parameter?.Value;
  } catch (error) {
    const { name: kind, message } = requireRefusal(error, `SSM, asked for the parameter ${name},`);
    if (kind !== 'ParameterNotFound') {
      throw new PreconditionFailed(
        `SSM refuses to tell the parameter ${name} (${kind}: ${message}). The deployed permissions are not those of this configuration: deploy again.`,
      );
    }
    throw new InvalidInput(
      `There is no cluster "${cluster}" (SSM parameter ${name}: ${kind}: ${message}). Check the name, or add the cluster to clusters.json and deploy.`,
    );
  }
  return JSON.parse(text ?? 'null');
}
