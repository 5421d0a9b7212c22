import { GetParameterCommand, paginateGetParametersByPath, SSMClient, type SSMClientConfig } from '@aws-sdk/client-ssm';
import { Problem } from '../core/api/problems.ts';
import { type Cluster, clusterName, clusterSchema, registryParameterName } from '../core/cluster/clusters.ts';
import { parse } from '../core/text/parse.ts';
import { AWS_CLIENT } from './aws.ts';
import { answerOf } from './aws-answers.ts';
import { deployedName } from './names.ts';

/** Which clusters there are, and how each is configured: the SSM parameters that their stacks deploy. */

/** A cluster, with its configuration or with why that cannot be read: one such parameter hides no other cluster. */
export type Registered = { name: string } & ({ cluster: Cluster } | { problem: string });

/** It becomes a part of the name of what is read. */
export function mayBeRegistered(cluster: string): boolean {
  return clusterName.safeParse(cluster).success;
}

/** The SSM parameter that holds a cluster's configuration here. */
export function parameterOf(cluster: string): string {
  return deployedName(registryParameterName(cluster));
}

/** A cluster's parameter, as text. @throws what AWS does: `ParameterNotFound` where there is no such cluster */
export async function readParameter(cluster: string, client: SSMClientConfig = AWS_CLIENT): Promise<string> {
  const { Parameter } = await new SSMClient(client).send(new GetParameterCommand({ Name: parameterOf(cluster) }));
  return Parameter?.Value ?? '';
}

/** @throws Error where it is not as a deployment of this version writes it; the message says what to do */
export function parseParameter(cluster: string, text: string): Cluster {
  try {
    return parse(clusterSchema, JSON.parse(text), `The configuration of cluster "${cluster}"`);
  } catch (error) {
    throw new Error(
      `The SSM parameter ${parameterOf(cluster)} is not what this version writes there: deploy the stack of the cluster again. ${(error as Error).message}`,
    );
  }
}

/** For callers of the API and of the command line, who are told a {@link Problem}. */
export class ClusterRegistry {
  readonly #client = new SSMClient(AWS_CLIENT);

  /** Sorted by name. Systems Manager hands them out by tens. @throws Problem `unavailable` */
  async all(): Promise<Registered[]> {
    const folder = parameterOf('');
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

  /** @throws Problem `unknown-cluster`, `unavailable`; Error where it cannot be read, which is no caller's fault */
  async configurationOf(cluster: string): Promise<Cluster> {
    const none = () => {
      throw new Problem(
        'unknown-cluster',
        `No cluster has the name "${cluster}". The list of clusters has all names. To add a cluster, add it to clusters.json, then deploy it to AWS, or restart serve.`,
      );
    };
    // Systems Manager would say so in words that tell a caller nothing.
    if (!mayBeRegistered(cluster)) return none();
    return parseParameter(cluster, await answerOf(readParameter(cluster), { ParameterNotFound: none }));
  }
}

function registered(name: string, value = ''): Registered {
  try {
    return { name, cluster: parseParameter(name, value) };
  } catch (error) {
    return { name, problem: (error as Error).message };
  }
}
