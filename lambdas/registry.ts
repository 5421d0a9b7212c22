import type { SSMClientConfig } from '@aws-sdk/client-ssm';
import { AWS_CLIENT, requireRefusal } from '../client/aws.ts';
import { mayBeRegistered, parameterOf, parseParameter, readParameter } from '../client/registry.ts';
import type { Cluster } from '../core/cluster/clusters.ts';
import { InvalidInput, PreconditionFailed } from '../core/errors.ts';
import { START_AGAIN } from '../core/text/format.ts';

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
 *   the caller cannot help; AwsUnavailable
 */
export async function readRegistry(cluster: string, client: SSMClientConfig = AWS_CLIENT): Promise<Cluster> {
  if (!mayBeRegistered(cluster)) {
    throw new InvalidInput(`No cluster can have the name "${cluster}". Check the name.`);
  }
  const name = parameterOf(cluster);
  let text: string;
  try {
    text = await readParameter(cluster, client);
  } catch (error) {
    const { name: kind, message } = requireRefusal(error, `SSM, asked for the parameter ${name},`);
    if (kind !== 'ParameterNotFound') {
      throw new PreconditionFailed(
        `SSM refuses to read the parameter ${name} (${kind}: ${message}). The deployed permissions are not those of this configuration: deploy again.`,
      );
    }
    throw new InvalidInput(
      `No cluster "${cluster}" is deployed (SSM parameter ${name}: ${kind}: ${message}). Check the name, or add the cluster to clusters.json. ${START_AGAIN}`,
    );
  }
  const configured = parseConfiguration(cluster, text);
  registered.add(cluster);
  return configured;
}

function parseConfiguration(cluster: string, text: string): Cluster {
  try {
    return parseParameter(cluster, text);
  } catch (error) {
    throw new PreconditionFailed((error as Error).message);
  }
}
