import { GetParameterCommand, SSMClient, type SSMClientConfig } from '@aws-sdk/client-ssm';
import { type Cluster, clusterName, clusterSchema, registryParameterName } from '../core/cluster/clusters.ts';
import { InvalidInput, PreconditionFailed } from '../core/errors.ts';
import { START_AGAIN } from '../core/text/format.ts';
import { parse } from '../core/text/parse.ts';
import { AWS_CLIENT, requireRefusal } from './aws.ts';
import { deployedName } from './names.ts';

/** Names that this process has found in the registry. */
const registered = new Set<string>();

/**
 * That there is such a cluster. One that was found before is not asked for again: once it is removed, nothing of it is left to be reached.
 * @throws as {@link readRegistry}
 */
export async function requireRegistered(cluster: string): Promise<void> {
  if (!registered.has(cluster)) await readRegistry(cluster);
}

/**
 * A cluster's configuration, from its registry parameter.
 * @param client how patient it is
 * @throws InvalidInput where there is no such cluster; PreconditionFailed where it is not as a deployment of this version writes it, which
 *   whoever starts something cannot help; AwsUnavailable
 */
export async function readRegistry(cluster: string, client: SSMClientConfig = AWS_CLIENT): Promise<Cluster> {
  // It becomes a part of the name of what is read.
  if (!clusterName.safeParse(cluster).success) {
    throw new InvalidInput(`There is no cluster "${cluster}", and there can be none of that name. Check the name.`);
  }
  const name = deployedName(registryParameterName(cluster));
  let text: string | undefined;
  try {
    text = (await new SSMClient(client).send(new GetParameterCommand({ Name: name }))).Parameter?.Value;
  } catch (error) {
    const { name: kind, message } = requireRefusal(error, `SSM, asked for the parameter ${name},`);
    if (kind !== 'ParameterNotFound') {
      throw new PreconditionFailed(
        `SSM refuses to tell the parameter ${name} (${kind}: ${message}). The deployed permissions are not those of this configuration: deploy again.`,
      );
    }
    throw new InvalidInput(
      `There is no cluster "${cluster}" (SSM parameter ${name}: ${kind}: ${message}). Check the name, or add the cluster to clusters.json. ${START_AGAIN}`,
    );
  }
  const configured = parseConfiguration(cluster, text ?? '');
  registered.add(cluster);
  return configured;
}

function parseConfiguration(cluster: string, text: string): Cluster {
  try {
    return parse(clusterSchema, JSON.parse(text), `The configuration of cluster "${cluster}"`);
  } catch (error) {
    const name = deployedName(registryParameterName(cluster));
    throw new PreconditionFailed(
      `The SSM parameter ${name} is not what this version writes there: deploy the stack of the cluster again. ${(error as Error).message}`,
    );
  }
}
