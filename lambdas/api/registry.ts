import { GetParameterCommand, paginateGetParametersByPath, SSMClient } from '@aws-sdk/client-ssm';
import { Problem } from '../../core/api/problems.ts';
import { type Cluster, clusterSchema, registryParameterName } from '../../core/cluster/clusters.ts';
import { parse } from '../../core/text/parse.ts';
import { AWS_CLIENT } from '../aws.ts';
import { deployedName } from '../names.ts';
import { answerOf } from './aws-answers.ts';

/** A cluster, with its configuration or with why that cannot be read: one such parameter hides no other cluster. */
export type Registered = { name: string } & ({ cluster: Cluster } | { problem: string });

/** Which clusters there are, from the parameters that their stacks deploy. */
export class ClusterRegistry {
  readonly #client = new SSMClient(AWS_CLIENT);

  /** Sorted by name. Systems Manager hands them out by tens. @throws Problem `unavailable` */
  async all(): Promise<Registered[]> {
    const folder = deployedName(registryParameterName(''));
    const found: Registered[] = [];
    const pages = paginateGetParametersByPath({ client: this.#client }, { Path: folder });
    const next = () => answerOf(pages.next());
    for (let page = await next(); !page.done; page = await next()) {
      for (const { Name = '', Value } of page.value.Parameters ?? []) {
        found.push(registered(Name.slice(folder.length), Value));
      }
    }
    return found.toSorted((one, other) => (one.name < other.name ? -1 : 1));
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

function registered(name: string, value: string | undefined): Registered {
  try {
    return {
      name,
      cluster: parse(clusterSchema, JSON.parse(value ?? ''), `The SSM parameter ${registryParameterName(name)}`),
    };
  } catch (error) {
    return {
      name,
      problem: `${(error as Error).message} This version did not write it: deploy the stack of the cluster again.`,
    };
  }
}

/** What is not right here is no caller's fault: it is not told as `InvalidInput`. */
function read(value = ''): Cluster {
  return clusterSchema.parse(JSON.parse(value));
}
