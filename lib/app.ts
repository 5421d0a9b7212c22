import type { App } from 'aws-cdk-lib';
import { type Cluster, type ClustersFile, clientUrlsOf, hostsOf, type Network } from '../core/cluster/clusters.ts';
import { InvalidInput } from '../core/errors.ts';
import { withPrefix } from '../core/text/names.ts';
import type { StepBundles } from './bundles/bundle-steps.ts';
import { ClusterStack } from './cluster-stack.ts';
import { RemediationStack } from './remediation-stack.ts';

/** https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html#API_SendCommand_RequestSyntax */
const INSTANCE_ID = /^(i-([0-9a-f]{8}|[0-9a-f]{17})|mi-[0-9a-f]{17})$/;

export interface AppInput {
  app: App;
  file: ClustersFile;
  bundles: StepBundles;
}

/** Everything that is deployed: one platform stack, and a small stack for each cluster. @throws InvalidInput without a network */
export function defineStacks({ app, file, bundles }: AppInput): void {
  const { prefix, encryption, clusters } = file;
  const network = requireNetwork(file);
  const platform = new RemediationStack(app, withPrefix('EtcdRemediation', prefix), {
    ...{ network, prefix, encryption, bundles },
  });
  // A schedule that is there before its function would call for a person.
  for (const cluster of defineClusters(app, { clusters, prefix })) cluster.addStackDependency(platform);
}

/** A stack for each cluster, for a platform that is there already. */
export function defineClusters(
  app: App,
  { clusters, prefix }: Pick<ClustersFile, 'clusters' | 'prefix'>,
): ClusterStack[] {
  return clusters.map((cluster) => defineCluster(app, cluster, prefix));
}

/** The stack of one cluster alone, for a platform that is deployed. @throws InvalidInput where the configuration has none of this name */
export function defineClusterAlone(app: App, { clusters, prefix }: ClustersFile, name: string): void {
  const cluster = clusters.find((each) => each.name === name);
  if (!cluster) {
    throw new InvalidInput(
      `clusters.json has no cluster "${name}". Check the name after "-c cluster=", or add the cluster.`,
    );
  }
  defineCluster(app, cluster, prefix);
}

function defineCluster(app: App, cluster: Cluster, prefix: string | undefined): ClusterStack {
  return new ClusterStack(app, withPrefix(`EtcdRemediation-${cluster.name}`, prefix), { cluster, prefix });
}

/** That what is configured can be deployed; embedded, it need not be. @throws InvalidInput with the first that cannot */
export function requireDeployable(file: ClustersFile): void {
  const { clientPorts } = requireNetwork(file);
  for (const cluster of file.clusters) {
    requireInstanceIds(cluster);
    requirePorts(cluster, clientPorts);
  }
  requireNamesApart(file.clusters);
  requireBackupsApart(file.clusters);
}

/** That each cluster has a role of its own. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-names */
function requireNamesApart(clusters: readonly Cluster[]): void {
  const seen = new Map<string, string>();
  for (const { name } of clusters) {
    const other = seen.get(name.toLowerCase());
    if (other !== undefined && other !== name) {
      throw new InvalidInput(
        `The clusters "${other}" and "${name}" have one name but for capital letters, and IAM does not tell their roles apart: rename one of them.`,
      );
    }
    seen.set(name.toLowerCase(), name);
  }
}

/** That no backups are among those of another cluster because that one's prefix is the beginning of theirs: `orders` of `orders-eu/`. */
function requireBackupsApart(clusters: readonly Cluster[]): void {
  const places = clusters.flatMap(({ name, backups }) =>
    backups ? [{ name, prefix: backups.prefix, place: `${backups.bucket}/${backups.prefix}` }] : [],
  );
  // In this order, whatever begins with a text comes right after it.
  const sorted = places.toSorted((one, other) => (one.place < other.place ? -1 : 1));
  for (const [index, outer] of sorted.entries()) {
    const inner = sorted[index + 1];
    if (inner === undefined || inner.place === outer.place || !inner.place.startsWith(outer.place)) continue;
    throw new InvalidInput(
      `The backups of the cluster ${inner.name} ("${inner.prefix}") are among those of the cluster ${outer.name} ("${outer.prefix}"), so a ` +
        `recovery of ${outer.name} could take one of them. Give each a "prefix" of its own in "backups", such as "${outer.name}/" and "${inner.name}/".`,
    );
  }
}

function requireNetwork({ network }: ClustersFile): Network {
  if (network) return network;
  throw new InvalidInput(
    'clusters.json has no "network": to deploy, it must say which VPC and subnets reach the members.',
  );
}

/** That the hosts are ones which Run Command may know. Embedded, a host may have any name. */
function requireInstanceIds(cluster: Cluster): void {
  const other = hostsOf(cluster).find((host) => !INSTANCE_ID.test(host));
  if (other === undefined) return;
  throw new InvalidInput(
    `The cluster ${cluster.name} has the host "${other}": to deploy, each host must be an instance ID of Systems Manager, such as ` +
      '"i-0a1b2c3d4e5f60001" or "mi-0a1b2c3d4e5f60001". Any other name is for --hosts, without AWS.',
  );
}

/** That the steps get out to each member: what they may get out to is the platform's, and the same whatever clusters there are. */
function requirePorts(cluster: Cluster, clientPorts: readonly number[]): void {
  for (const clientUrl of clientUrlsOf(cluster)) {
    const { port, protocol } = new URL(clientUrl);
    const number = Number(port || (protocol === 'https:' ? 443 : 80));
    // It leads to AWS's APIs as well.
    if (number === 443 || clientPorts.includes(number)) continue;
    throw new InvalidInput(
      `The cluster ${cluster.name} has the client URL "${clientUrl}", and "network" in clusters.json does not let the steps get out to its port: ` +
        `write "clientPorts": [${[...clientPorts, number].join(', ')}] there, and deploy the platform.`,
    );
  }
}
