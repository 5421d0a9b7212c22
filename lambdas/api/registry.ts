import { GetParameterCommand, paginateGetParametersByPath, SSMClient } from '@aws-sdk/client-ssm';
import { type Cluster, clusterSchema, registryParameterName } from '../../core/contracts/clusters.ts';
import { Problem } from '../../core/contracts/problems.ts';
import { AWS_CLIENT } from '../aws.ts';
import { deployedName } from '../names.ts';
import { answerOf } from './aws-answers.ts';

/** Which clusters there are, from the parameters that their stacks deploy. */
export class ClusterRegistry {
  readonly #client = new SSMClient(AWS_CLIENT);

  /** Sorted by name. @throws Problem `unavailable` */
  async all(): Promise<Cluster[]> {
    const clusters: Cluster[] = [];
    const pages = paginateGetParametersByPath(
      { client: this.#client },
      { Path: deployedName(registryParameterName('')) },
    );
    const next = () => answerOf(pages.next());
    for (let page = await next(); !page.done; page = await next()) {
      for (const { Value } of page.value.Parameters ?? []) clusters.push(read(Value));
    }
    return clusters.toSorted((one, other) => (one.name < other.name ? -1 : 1));
  }

  /** @throws Problem `unknown-cluster`, `unavailable` */
  async configurationOf(cluster: string): Promise<Cluster> {
    const none = () => {
      throw new Problem(
        'unknown-cluster',
        `There is no cluster "${cluster}". Those that there are, are in the list of clusters; a new one is added to clusters.json, which is deployed to AWS, and without it read when serve starts.`,
      );
    };
    // Anything else is no name of a parameter either, and Systems Manager would say so in words that tell a caller nothing.
    if (!clusterSchema.shape.name.safeParse(cluster).success) return none();
    const { Parameter } = await answerOf(
      this.#client.send(new GetParameterCommand({ Name: deployedName(registryParameterName(cluster)) })),
      { ParameterNotFound: none },
    );
    return read(Parameter?.Value);
  }
}

/** What is not right here is no caller's fault: it is not told as `InvalidInput`. */
function read(value = ''): Cluster {
  return clusterSchema.parse(JSON.parse(value));
}
